// SPDX-License-Identifier: BSD-2-Clause
/*
 * The journal of a store: what programs write to files of the classes `atomic` and `checkpoint`
 * waits here until it is committed, and after a crash each file is exactly as of its last commit.
 *
 * The journal is one file in the store's private directory (docs/journal.md has its format). It
 * lays the pages that were written over the store's files: uncommitted ones over committed ones
 * over those that are being applied over the store's file itself. A commit makes all that is
 * uncommitted of some objects committed, as one, with one fdatasync. Applying writes committed
 * pages to the store's files, in place, so that the journal can be used again.
 *
 * After a worker's death the next worker opens the journal with the same session, and finds
 * everything, uncommitted data too. With any other session only what was committed counts.
 *
 * Every function may be called by any thread, with the exceptions that are named. None takes a lock
 * of the caller's. The caller holds the store's lock (lib/area/store_lock.h): two journals of one
 * store at a time destroy it.
 */
#ifndef SHMAP_JOURNAL_H
#define SHMAP_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "lib/sys/complaint.h"

#define JOURNAL_SESSION_SIZE 16

/* The smallest and the default limit of the journal's data, in bytes. */
#define JOURNAL_SIZE_MIN     (UINT64_C(4) << 20)
#define JOURNAL_SIZE_DEFAULT (UINT64_C(256) << 20)

/* How many objects one commit can have. */
#define JOURNAL_COMMIT_MAX 1024

struct journal;
struct journal_object;

struct journal_options {
    // Bytes of data that the journal may take in the store, JOURNAL_SIZE_MIN at least. Uncommitted
    // data that has no room there is taken nevertheless.
    uint64_t size;
    // An unnamed file in RAM, which the caller keeps for as long as the session lasts, for
    // uncommitted data of objects that spill, and of others where the store is full; -1: there is
    // none.
    int spill;
    // It tells this mount from every other; all workers of a mount have the same.
    uint8_t session[JOURNAL_SESSION_SIZE];
    // Opens an object of the store for reading and writing, when it is applied and no descriptor is
    // at hand; also one that has no name any more. Returns a descriptor, which the journal closes,
    // or a negative errno; -ESTALE: the object is gone; -ENODATA: it is not known. Then, and if
    // this is NULL, the journal opens it by file handle, which takes CAP_DAC_READ_SEARCH, or looks
    // for it in the store. It is called without a lock of the journal's, in any function that says
    // that it may apply.
    int (*open_object)(void *context, const struct statx *stx);
    // Hears in one line, without its end, of what went wrong and no caller is told, such as a file
    // that could not be recovered whole. NULL: nobody does.
    void (*tell)(void *context, const char *line);
    void *context;
};

/* Opens the journal of a store; `store` is a readable descriptor of its root directory, which stays
 * the caller's, and open. Makes nothing until something is written. A journal of the same session
 * is attached to; one of another session is recovered first, which may take as long as writing all
 * that it has. To be called when no other process uses it any more. Returns 0, or a negative errno
 * after a complaint. */
int journal_open(int store, const struct journal_options *options, struct journal **journal,
                 struct complaint *complaint);

/* Applies everything committed, drops what is not, removes the journal's file and frees the
 * journal. To be called by one thread, when all objects were left. Returns 0, or a negative errno
 * when not everything could be applied: then the file stays for the next journal_open() or
 * journal_recover(). */
int journal_close(struct journal *journal);

/* Frees the memory and closes the descriptors, and leaves the file as it is, for the next worker.
 * To be called by one thread, when all objects were left. */
void journal_abandon(struct journal *journal);

/* Finds an object that the journal has something of, which the store's file does not have:
 * everything about its contents and size has to go by the journal then. `stx` has the inode number
 * and the birth time (OBJECT_STATX_MASK). Returns the object, for journal_leave(); NULL: the
 * store's file is all there is. */
struct journal_object *journal_find(struct journal *journal, const struct statx *stx);

/* Finds an object, or makes it known to the journal; nothing is written yet. `fd` is any descriptor
 * of the store's file (O_PATH will do), `stx` what object_stat() says of it now. `spills`: its
 * uncommitted data waits in the spill file. Returns 0 and the object, for journal_leave(); or a
 * negative errno. */
int journal_enter(struct journal *journal, int fd, const struct statx *stx, bool spills,
                  struct journal_object **object);

/* Takes one more reference. */
struct journal_object *journal_share(struct journal_object *object);

/* Gives a reference back; NULL is none. */
void journal_leave(struct journal_object *object);

/* In the following functions `fd` is a descriptor of the store's file that can be read, and stays
 * the caller's. Offsets and sizes are bytes. */

/* Reads as pread(2) does: uncommitted data too, and nothing beyond the end. Returns the number of
 * bytes, or a negative errno. */
ssize_t journal_read(struct journal_object *object, int fd, void *data, size_t size, off_t offset);

/* Writes as pwrite(2) does, and sets the modification time; nothing is committed. May apply.
 * Returns `size`, or a negative errno, and then a part may have been written; -ENOSPC: there is
 * room neither in the store nor in the spill file; -EFBIG: the file would be too large. */
ssize_t journal_write(struct journal_object *object, int fd, const void *data, size_t size,
                      off_t offset);

/* Sets the size, as ftruncate(2) does; not committed. May apply. Returns 0 or a negative errno. */
int journal_truncate(struct journal_object *object, int fd, off_t size);

/* Makes zeros of a range (punch a hole, zero a range); not committed. The size grows to the range's
 * end unless `keep_size`. May apply. Returns 0 or a negative errno; -EINVAL: the range is empty or
 * negative. */
int journal_zero(struct journal_object *object, int fd, off_t offset, off_t length, bool keep_size);

/* Finds data or a hole (SEEK_DATA, SEEK_HOLE), as lseek(2) does. Returns the offset or a negative
 * errno; -ENXIO: there is none. */
off_t journal_seek(struct journal_object *object, int fd, off_t offset, int whence);

/* Puts what the journal knows better into the attributes of the store's file: size, blocks, and the
 * times of the last change of data. */
void journal_overlay_stat(struct journal_object *object, struct statx *stx);

/* Returns the size of the file as of its last commit: what is left after journal_drop(). */
off_t journal_committed_size(struct journal_object *object);

/* Sets the modification time, in nanoseconds since 1970, which commits with the data. For a caller
 * who has set that of the store's file (utimensat(2)), so that the time of an earlier write does
 * not count any more. Returns 0 or a negative errno. */
int journal_set_mtime(struct journal_object *object, int64_t mtime);

/* Notes that something other than data was changed in the store (owner, mode, a name, an extended
 * attribute): the next commit syncs the store's file itself, too. A new object is taken for one. */
void journal_touch_metadata(struct journal_object *object);

/* Returns whether there is anything for a commit to do. */
bool journal_is_dirty(struct journal_object *object);

/* Returns whether anything was written since the last commit; `bytes` receives how much of it is
 * data. */
bool journal_is_uncommitted(struct journal_object *object, uint64_t *bytes);

/* Finds all objects for which a commit has anything to do, each for journal_leave(). Returns how
 * many, and an array for free(); -ENOMEM. */
ssize_t journal_find_dirty(struct journal *journal, struct journal_object ***objects);

/* Tells by what journal_find() finds an object: inode number and birth time. */
void journal_identify(const struct journal_object *object, struct statx *stx);

/* Commits everything that was written to some objects, as one: after a crash all of it is there or
 * none. Returns when it is on the disk. `fds` has a descriptor (not O_PATH) of each object's store
 * file; -1, or no `fds`: the journal opens it if it has to. The same object may be there twice.
 * Commits that come at the same time share one fdatasync. May apply. Returns 0 or a negative errno;
 * -ENOSPC: the store is full, everything is uncommitted as before, and a later commit may work;
 * -EIO: the journal's disk fails, now or since an earlier commit; -E2BIG: more than
 * JOURNAL_COMMIT_MAX objects. */
int journal_commit(struct journal *journal, struct journal_object *const objects[], const int fds[],
                   size_t count);

/* Takes back everything that was written since the last commit. Returns 0 or a negative errno, and
 * then nothing was taken back. */
int journal_drop(struct journal_object *object);

/* Forgets an object that has lost its last name and its last user; the reference is still to be
 * left. Nothing of it can be read or written any more. */
void journal_forget(struct journal_object *object);

/* Brings everything that is committed into the store's files and onto their disk, and makes its
 * place free. Reads, writes and commits go on meanwhile. Returns 0, or a negative errno when it
 * could not be done for all objects: the others are done, and nothing is lost. */
int journal_apply(struct journal *journal);

/* Returns whether it is time for journal_apply(): half of the journal is in use; or something is
 * committed, and nothing was written or committed for `idle` nanoseconds. Never while somebody has
 * a point. Cheap. */
bool journal_wants_apply(struct journal *journal, uint64_t idle);

/* Applies if it is time for that; as journal_apply() otherwise. */
int journal_apply_if_wanted(struct journal *journal, uint64_t idle);

/* A point: all that is committed by now, of all objects, can be read for as long as somebody has
 * it. Commits go on meanwhile, and the store's files stay as they are. It ends by itself when
 * nobody has read for POINT_NANOSECONDS, when the journal has twice its limit, when the store is
 * full, with journal_apply(), and with the process. */
#define POINT_NANOSECONDS UINT64_C(30000000000)

/* Takes a point. One can be had at a time; a higher rank takes it from a lower one. Earlier commits
 * are applied first. Returns 0 and its number, which no other point has, also of an earlier
 * process; -EBUSY: another one has it; or another negative errno. */
int journal_point_take(struct journal *journal, unsigned rank, uint64_t *point);

/* Gives it back. Returns 0; -ESTALE: it had ended before. */
int journal_point_leave(struct journal *journal, uint64_t point);

/* Ends whichever point there is: a file of the store is about to change by itself. */
void journal_point_break(struct journal *journal);

struct journal_piece {
    uint64_t offset; // from where on data is looked for, and where it was found
    uint64_t size;   // of the file
    int64_t mtime;   // in nanoseconds since 1970
};

/* Reads the next data of a file as it was at a point. `stx` is what object_stat() says of it, `fd`
 * a descriptor of the store's file that can be read. Returns the number of bytes; 0: the rest is a
 * hole; -ESTALE: the point has ended; or another negative errno. */
ssize_t journal_point_read(struct journal *journal, uint64_t point, const struct statx *stx, int fd,
                           void *data, size_t size, struct journal_piece *piece);

struct journal_state {
    bool exists;          // there is a file
    uint64_t size;        // the limit, in bytes
    uint64_t used;        // bytes of data in the journal that cannot be written over now
    uint64_t spilled;     // bytes of data in the spill file
    uint64_t records;     // bytes of records in the current half
    uint64_t uncommitted; // bytes
    uint64_t committed;   // bytes that are committed, and not applied
    uint64_t objects;     // that the journal has something of
    uint64_t commits;     // since the journal was opened
    uint64_t applies;     // likewise
    int64_t last_commit;  // nanoseconds since 1970; 0: there was none since the journal was opened
    int error;            // errno of the disk's failure, for which commits fail; 0: there was none
    int apply_error;      // errno of the last apply; 0: it went well
    int commit_error;     // errno of the last commit, which a later one may not have; 0: likewise
};

void journal_status(struct journal *journal, struct journal_state *state);

/* The state of a journal without a daemon. */
struct journal_report {
    bool exists;          // otherwise nothing else counts
    uint32_t version;     // of the format
    uint64_t generation;  // how often the journal has begun anew
    uint64_t records;     // that are whole
    uint64_t commits;     // whose data is whole, too
    uint64_t objects;     // files with committed data
    uint64_t bytes;       // of data that is committed
    uint64_t uncommitted; // bytes that never were
    uint64_t torn;        // commits at the end that never were acknowledged, and do not count
    uint64_t damaged;     // files of which a later commit is damaged; they have the one before it
    bool broken;          // acknowledged records are missing
    uint64_t gone;        // files that are not in the store any more
    uint64_t failed;      // files that could not be written
};

/* The listener to what journal_recover() and journal_verify() find. */
struct journal_listener {
    // A line for each file that is damaged, gone or cannot be written, without its end. NULL:
    // nobody hears.
    void (*tell)(void *context, const char *line);
    // How many bytes of how many are done, now and then. NULL: nobody hears.
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

/* Brings what the last daemon committed into the store's files and onto their disk, and removes the
 * journal; one with damage is kept as `journal.damaged`. May be interrupted, and done again. The
 * caller has the store's lock. Returns 0, also where there is no journal, or a negative errno after
 * a complaint, and then the journal is as it was. */
int journal_recover(int store, const struct journal_listener *listener,
                    struct journal_report *report, struct complaint *complaint);

/* Reads the journal and checks all of it, and changes nothing. Beside a daemon it may find a
 * journal that changes meanwhile, and say so. Returns as journal_recover() does; damage is no
 * error, but in the report. */
int journal_verify(int store, const struct journal_listener *listener,
                   struct journal_report *report, struct complaint *complaint);

#endif
