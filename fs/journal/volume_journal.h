// SPDX-License-Identifier: BSD-2-Clause
/*
 * The journal of a mount (lib/journal/journal.h), in the process that serves.
 *
 * The process that begins to serve opens it, before anything is served: with the session that the
 * mount's state has, so that it finds what the process before it left. A thread applies what is
 * committed when half of the journal is in use, or nothing happens for a while. When the mount ends
 * the worker closes it, or, if it has died, whoever ends the store.
 */
#ifndef SHMAPFS_VOLUME_JOURNAL_H
#define SHMAPFS_VOLUME_JOURNAL_H

#include "fs/inode/inode.h"
#include "lib/journal/journal.h"

/* Returns 0 or -ENOMEM. */
int volume_journal_init(struct volume *volume);
void volume_journal_destroy(struct volume *volume);

/* Opens the journal, before anything is served; not where the store is read-only. Returns 0 or a
 * negative errno, which was logged. */
int volume_journal_begin(struct volume *volume);

/* Returns the journal; NULL: it is not open, and nothing is in it. */
struct journal *volume_journal(const struct volume *volume);

/* Does the same, and opens it if need be, as where the store was read-only before. Returns 0 or a
 * negative errno. */
int volume_journal_need(struct volume *volume, struct journal **journal);

/* Finds the inode of an object of the journal's, with a name or without (and then without a
 * descriptor, as by inode_hold()). -ENODATA: the kernel does not know it. */
int volume_journal_inode(struct volume *volume, const struct statx *stx, struct inode *inode);

/* Notes that something was written or committed. Starts the thread, if there is none. */
void volume_journal_changed(struct volume *volume);

/* Notes that a file was opened for writing, which is to be saved after so many seconds (0: not by
 * time). */
void volume_journal_opened(struct volume *volume, unsigned interval);

/* Returns which process has taken a point of the journal last; 0: an unknown one. */
_Atomic pid_t *volume_journal_point_holder(const struct volume *volume);

/* Returns when files are to be saved. */
struct save_times *volume_journal_save_times(const struct volume *volume);

/* Ends the journal with the mount, when nothing is served any more: commits what its users would,
 * and brings all that is committed to the store's files. `quiet`: no thread of the process uses it
 * any more; otherwise store_end() comes to the rest in another process, or the next mount. */
void volume_journal_end(struct volume *volume, bool quiet);

/* Does the same where the process that served has not come to it. To be called by a process that
 * has not served. */
void volume_journal_finish(struct volume *volume);

/* Says why a mount may not be one that brings a journal to the files. */
enum journal_turn {
    JOURNAL_OURS,      // it may
    JOURNAL_READ_ONLY, // it writes nothing
    JOURNAL_SHARED,    // other hosts have the store, too
};

/* Brings what the last mount of a store committed to its files, if it did not come to that; or
 * refuses a store where that is still to be done. Returns 0 or a negative errno after a
 * complaint. */
int volume_journal_recover(const struct area *store, const char *path, enum journal_turn turn,
                           struct complaint *complaint);

#endif
