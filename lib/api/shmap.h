// SPDX-License-Identifier: BSD-2-Clause
/*
 * shmap.h - what a C program can ask of a shmapfs mount.
 *
 * No program needs this header to share memory: open(2) and mmap(2) on a path of the mount do that.
 * It is for programs that choose where their data lives, watch a mount, or resize it. Every call
 * reads or sets one extended attribute of the path given, so that scripts can do the same with
 * getfattr(1) and setfattr(1). CephFS' virtual attributes are the model.
 *
 * Functions that return int return 0, or a negative errno. Results that they write through a
 * pointer are valid after 0 only. Paths and other strings are NUL-terminated; sizes are in bytes.
 * All functions are thread-safe; none keeps state.
 */
#ifndef SHMAP_H
#define SHMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* The class of a directory or file: read anywhere, set on an empty directory. */
#define SHMAP_XATTR_CLASS "user.shmapfs.class"
/* The same as it is kept on disk, in the store: no mount has an attribute by this name. */
#define SHMAP_XATTR_CLASS_ROOT "user.shmapfs.class_root"
/* "1" if the directories below an anonymous directory come back at the next mount, otherwise "0":
 * read and set where the class begins. */
#define SHMAP_XATTR_SKELETON "user.shmapfs.skeleton"
/* The RAM area that an anonymous directory has for itself, as words of tmpfs with a comma between,
 * such as "size=1g,nr_inodes=10k": read and set where the class begins. */
#define SHMAP_XATTR_AREA "user.shmapfs.area"
/* The same as root's mounts keep it in the store, where nobody else can set it. */
#define SHMAP_XATTR_AREA_TRUSTED "trusted.shmapfs.area"
/* All areas that directories of a mount have for themselves, as a JSON array: read on its root. */
#define SHMAP_XATTR_AREAS "user.shmapfs.areas"
/* The state of a mount, as a JSON object: read on its root. */
#define SHMAP_XATTR_STATUS "user.shmapfs.status"
/* How many requests the process that serves has answered, as a JSON object: read on a mount's root
 * by its owner and root. */
#define SHMAP_XATTR_REQUESTS "user.shmapfs.requests"
/* The size limit of the RAM area, a text for shmap_size_parse(): set on a mount's root. */
#define SHMAP_XATTR_SIZE "user.shmapfs.size"
/* Options of a mount that are to change, as shmapfs(8) has them: this name with an exclamation mark
 * and the options behind it, a line each, read on a mount's root. It is read and not set, because a
 * mount that is read-only has no attribute set. With a question mark instead, nothing changes: the
 * answer tells whether it could. */
#define SHMAP_XATTR_OPTIONS "user.shmapfs.options"
/* The absolute path of a binary that is to serve from now on: set on a mount's root. Empty: the one
 * at the path of the binary that serves. */
#define SHMAP_XATTR_UPGRADE "user.shmapfs.upgrade"
/* The same for a mount of root. The kernel lets only those set it who have CAP_SYS_ADMIN, for which
 * the user id 0 alone, as in a container, is not enough. */
#define SHMAP_XATTR_UPGRADE_TRUSTED "trusted.shmapfs.upgrade"
/* The pages of a regular file that the area has in memory: read by shmap_pages_get(). */
#define SHMAP_XATTR_PAGES "user.shmapfs.pages"
/* The class that a single file is to get when nobody uses it any more; there is none where it stays
 * what it is. */
#define SHMAP_XATTR_NEXT_CLASS "user.shmapfs.next_class"
/* So many bytes from the beginning of a regular file have room in its area, a text for
 * shmap_size_parse(): set and removed by the file's owner and root. */
#define SHMAP_XATTR_RESERVE "user.shmapfs.reserve"
/* How long a file in the RAM area lives, and of an anonymous directory, how long the files will
 * that are created in it: a text for shmap_lifetime_parse(). Set on the directory by its owner and
 * root. */
#define SHMAP_XATTR_LIFETIME "user.shmapfs.lifetime"
/* When files of the classes atomic and checkpoint are committed, beside at msync and fsync: "close"
 * (when nobody has them open for writing any more), or "sync" (not otherwise: what was not synced
 * before goes). Read anywhere in such a class, set on its directories by their owner and root, and
 * in force for what is looked up below them from then on. */
#define SHMAP_XATTR_COMMIT "user.shmapfs.commit"
/* After how many seconds files of the class checkpoint are saved that are open for writing; "0":
 * not. Read and set likewise. */
#define SHMAP_XATTR_INTERVAL "user.shmapfs.interval"
/* Read on a mount's root: the answer comes when all that was written through the mount before is on
 * the disk of its store. */
#define SHMAP_XATTR_SYNC "user.shmapfs.sync"
/* The beginnings of every attribute name that belongs to shmapfs. */
#define SHMAP_XATTR_PREFIX         "user.shmapfs."
#define SHMAP_XATTR_TRUSTED_PREFIX "trusted.shmapfs."

/* The fate of the pages of the files below a directory. */
enum shmap_class {
    SHMAP_PERSIST,    // in the store: on disk when msync or fsync return
    SHMAP_ANON,       // in the RAM area: gone with the mount
    SHMAP_ATOMIC,     // in the store, each commit all or nothing
    SHMAP_CHECKPOINT, // in the RAM area, saved whole to the store
    SHMAP_SCRATCH,    // on the store's disk: gone with the mount
};
#define SHMAP_CLASSES 5

/* Returns the word for a class: "persist", "anon", "atomic", "checkpoint", "scratch"; "unknown" for
 * any other value. */
const char *shmap_class_name(enum shmap_class which);

/* Finds the class that a word of `length` bytes (no NUL needed) names. -EINVAL: there is none. */
int shmap_class_parse(const char *word, size_t length, enum shmap_class *which);

/* Reads the class that is in force for a file or directory. -ENODATA: it is not on a shmapfs mount;
 * or an error of getxattr(2). */
int shmap_class_get(const char *path, enum shmap_class *which);

/* Makes an empty directory the root of a class, or gives it back the class of its parent. A regular
 * file in a directory whose files last gets the class itself (anon, or one that lasts), at once or
 * after its last close; what it contains comes along. -ENOTEMPTY: the directory has entries;
 * -ENOTDIR: it is neither a directory nor such a file; -ENOSPC: the file does not fit into the RAM
 * area; -EINVAL: the class cannot be there (any but its own below a directory that does not last,
 * or on a mount without a store; any on a mount's root; scratch, for a file); -EOPNOTSUPP: this
 * version does not have the class, or the mount cannot have it (scratch, on one that began
 * read-only); -EPERM: the caller is neither the owner nor root; -ENODATA: it is not on a shmapfs
 * mount; or an error of setxattr(2). */
int shmap_class_set(const char *path, enum shmap_class which);

/* Reads the class that a single file is to get when nobody uses it any more. -ENODATA: it stays
 * what it is; or an error of getxattr(2). */
int shmap_next_class_get(const char *path, enum shmap_class *which);

/* Gives a regular file of a scratch directory a name that lasts, on the same mount, while whoever
 * has it open or mapped goes on with it; returns when the file and the name are on the disk. After
 * an error from there on the file has the new name. A rename(2) does the same, but for the
 * directory's fsync(2). -EINVAL: it is no such file; -EXDEV: the destination's directory is not
 * persisted or not on that mount, or the file has other names; -EEXIST: the destination is there;
 * -EACCES: the caller may not change both directories, or not read the second; -ENODATA: it is not
 * on a shmapfs mount; or an error of rename(2) and fsync(2). */
int shmap_promote(const char *path, const char *destination);

/* Room for the words of an area, with the NUL. */
#define SHMAP_AREA_WORDS_MAX 256

/* Makes an empty directory anonymous, with a RAM area for itself; or changes the area of one that
 * is anonymous already, as shmap_area_set() does. `words` are as there, with a size. Errors as of
 * shmap_class_set() and shmap_area_set(); then the directory is as it was before. */
int shmap_anon_set(const char *path, const char *words);

/* Makes an empty directory a scratch directory with a limit, by project quotas of the store; or
 * changes the limit of one. shmap_area_set() and shmap_area_get() do for it what they do for an
 * anonymous one, with size= (no percentage) and nr_inodes= alone. -EOPNOTSUPP: the store has no
 * project quotas that are enforced, or the mount is not root's; otherwise errors as there, and the
 * directory is as it was before. */
int shmap_scratch_set(const char *path, const char *words);

/* Changes the area that an anonymous directory has for itself, while it is in use, and what the
 * next mount makes of it; or gives it one, if it is empty. `words` have commas between them: size=
 * and nr_inodes= as shmap_size_parse() reads them (a percentage of size= is of the machine's RAM),
 * huge=, mpol= and noswap as in tmpfs(5); those that are not given stay. -EINVAL: another word or
 * value, the class anon does not begin there, or a new area has no size=; -ERANGE: a size is less
 * than a page, or over INT64_MAX; -EBUSY: what is in use does not allow it: it is more than the new
 * limit, or noswap comes too late; -ENOTEMPTY: it has entries, and shares the area of the mount;
 * -EUSERS: the mount has as many areas as it can have; -EOPNOTSUPP: the kernel does not have it,
 * which the log of the mount explains; -EPERM: the caller is neither the mount's owner nor root;
 * -ENODATA: the directory is not on a shmapfs mount; or an error of setxattr(2). */
int shmap_area_set(const char *path, const char *words);

/* Reads the words that are in force. -ENODATA: the directory has no area for itself, or is not on a
 * shmapfs mount; or an error of getxattr(2). */
int shmap_area_get(const char *path, char words[SHMAP_AREA_WORDS_MAX]);

/* Reads whether the directories below an anonymous directory come back at the next mount; and has
 * them come back, or not. -EINVAL: the class anon does not begin there; -EPERM: the caller is
 * neither the owner of the directory nor root; -ENODATA: it is not on a shmapfs mount, or, when it
 * is read, the class anon does not begin there; or an error of getxattr(2) and setxattr(2): some
 * directories could not be kept in the store, and none are. */
int shmap_skeleton_get(const char *path, bool *kept);
int shmap_skeleton_set(const char *path, bool kept);

/* Reads a size: a number with an optional suffix k, m, g or t (powers of 1024, either case), or a
 * percentage, such as "25%", of `whole`, which is in bytes. -EINVAL: it is not such a text;
 * -ERANGE: the size is 0, or over INT64_MAX. */
int shmap_size_parse(const char *text, uint64_t whole, uint64_t *bytes);

/* Gives the RAM area of a mount another size limit while it is in use. `size` is a text for
 * shmap_size_parse(), where a percentage is of the machine's RAM. -EINVAL: it is not such a text,
 * or less than what is in use; -ERANGE: less than a page, or over INT64_MAX; -EPERM: the caller is
 * neither the mount's owner nor root; -ENODATA: `mountpoint` is not the root of a shmapfs mount; or
 * an error of setxattr(2). */
int shmap_resize(const char *mountpoint, const char *size);

/* How long a file in the RAM area lives. */
struct shmap_lifetime {
    bool last_close; // until its last user is finished; otherwise until the mount ends
    uint32_t linger; // only then: for so many seconds more
};
#define SHMAP_LINGER_MAX        86400
#define SHMAP_LIFETIME_TEXT_MAX 48

/* Reads a lifetime from a text of `length` bytes (no NUL needed): «mount», «last-close» or
 * «last-close,linger=SECONDS». -EINVAL: it is none, or lingers for over SHMAP_LINGER_MAX. */
int shmap_lifetime_parse(const char *text, size_t length, struct shmap_lifetime *lifetime);

/* Writes a lifetime as that reads it. */
void shmap_lifetime_text(const struct shmap_lifetime *lifetime, char text[SHMAP_LIFETIME_TEXT_MAX]);

/* Reads the lifetime of a file in the RAM area, or what an anonymous directory has for files that
 * are created in it. -ENODATA: it is not on a shmapfs mount, or its contents last; or an error of
 * getxattr(2). */
int shmap_lifetime_get(const char *path, struct shmap_lifetime *lifetime);

/* Does the same with fewer round trips, for callers with many files, who know that `path` is on a
 * shmapfs mount. A symbolic link in the last place is not followed. */
int shmap_lifetime_get_unchecked(const char *path, struct shmap_lifetime *lifetime);

/* Gives a lifetime to the files and directories that are created in an anonymous directory from now
 * on. Those that are there keep theirs. -EINVAL: the directory's contents last, or the lifetime
 * lingers for over SHMAP_LINGER_MAX; -ENOTDIR: it is not a directory; -EOPNOTSUPP: it cannot be
 * known there when a file has lost its last user; -EPERM: the caller is neither the directory's
 * owner nor root, or the daemon is older than this; -ENODATA: it is not on a shmapfs mount; or an
 * error of setxattr(2). */
int shmap_lifetime_set(const char *path, const struct shmap_lifetime *lifetime);

/* Sets room aside for the first `bytes` bytes of a regular file, whatever its size is, so that a
 * store through a mapping below the size and the reserve never finds the area full. It stays when
 * the file is truncated, and with a file of the store across mounts. 0 takes it back. -ENOSPC: the
 * area has too little room; then nothing has changed; -EOPNOTSUPP: the filesystem of the store
 * cannot promise it, as btrfs, or has no attributes; -EINVAL: it is no regular file; -ERANGE: over
 * INT64_MAX; -EPERM: the caller is neither the file's owner nor root; -ENODATA: the file is not on
 * a shmapfs mount; or an error of fallocate(2) or setxattr(2). */
int shmap_reserve_set(const char *path, uint64_t bytes);

/* Reads what was set; 0: nothing was. Errors as above. */
int shmap_reserve_get(const char *path, uint64_t *bytes);

/* Changes options of a mount while it is in use: those of shmapfs(8) that a remount can change, a
 * line each, all or none of them; those that are in force already may be among them. With `ask` it
 * only finds out whether they could be changed; not everything that can fail is known before it is
 * done. -EINVAL: an option has no such value, or the RAM area cannot have it, as where more is in
 * use; -EBUSY: one cannot be changed while it is mounted; -EROFS: the store is read-only;
 * -EPERM: the caller is neither the mount's owner nor root; -ERANGE: the text is too long;
 * -ENODATA: `mountpoint` is not the root of a shmapfs mount, or of one that is older than this; or
 * an error of getxattr(2). */
int shmap_options_change(const char *mountpoint, const char *options, bool ask);

/* Replaces the binary of shmapfs that serves a mount, while everything there stays open, mapped and
 * locked. `binary` is an absolute path as the daemon sees it; NULL: the path that the daemon was
 * started from. Returns when the new binary serves; after an error the old one goes on.
 * -EPERM: the caller has no CAP_SYS_ADMIN and is not the owner of a user's own mount; -EINVAL: the
 * path is not absolute; -ENOENT, -EACCES, -ENOEXEC: `binary` cannot be executed; -EOPNOTSUPP: the
 * mount does not survive its worker (shmap_status.survival says why); -EPROTO: the binary cannot go
 * on with this mount (shmap_status.upgrade_error says why); -EBUSY: another upgrade is under way;
 * -ENODATA: `mountpoint` is not the root of a shmapfs mount; or an error of setxattr(2). */
int shmap_upgrade(const char *mountpoint, const char *binary);

/* Brings all that was written through a mount so far, by write(2) and through mappings, to the disk
 * of its store, as sync(2) does; what is in the RAM area stays there. Waits until that is done.
 * No signal ends that. Anybody may who may read the mount's root. -ENXIO: the daemon cannot see
 * where its mount is; -EBUSY: over io_uring, another sync is under way; -EIO, -ENOSPC, -EDQUOT: not
 * everything could be written; -ENODATA: `mountpoint` is not the root of a shmapfs mount, or of one
 * that is older than this; or an error of getxattr(2). */
int shmap_sync(const char *mountpoint);

/* One area of a mount: a directory tree that holds objects of one durability. */
struct shmap_area_status {
    bool present;  // the mount has it; otherwise all other fields are 0
    uint64_t size; // bytes that it can hold in all: the RAM area's limit, or the store's filesystem
    uint64_t used; // bytes in use (of the store's filesystem, by anybody)
    uint64_t inodes; // files that it can hold; 0: no limit
    uint64_t inodes_used;
    // Reads, writes and mappings stay in the kernel; otherwise FUSE's page cache carries them.
    bool passthrough;
    bool brokered;       // the broker passes it through; earlier versions: false
    char filesystem[32]; // of the area: "tmpfs", "ext4" … or a hexadecimal magic
    char reason[128];    // why not passthrough; empty when it is
    char lacks[64];      // what the kernel has only later for it; empty: nothing
};

/* The state of a mount, as the attribute SHMAP_XATTR_STATUS tells it. */
struct shmap_status {
    char version[32]; // of the daemon
    // Process ids are those of the daemon's own PID namespace.
    uint64_t pid;            // of the worker: the process that serves
    uint64_t keeper;         // of the process that holds the mount for it; 0: none
    uint64_t restarts;       // workers that died and were replaced
    uint64_t upgrades;       // binaries that were replaced
    char last_reason[128];   // of the last restart or upgrade; empty: there was none
    uint64_t last_stall_us;  // how long no request was served then, in microseconds
    char survival[128];      // why the mount does not survive its worker; empty: it does
    char upgrade_error[256]; // why the last upgrade was refused; empty: it was not
    char mountpoint[4096];
    char store[4096]; // empty: no store
    // Since when the store does not answer, in seconds since 1970; 0: it does, or is not asked yet.
    uint64_t store_silent_since;
    char store_error[128]; // why no call on the store succeeds; empty: some do
    // Where the contents of scratch directories are, which no backup needs; empty: there are none.
    char scratch[4096];
    // Those in force of shmapfs' own options, as -o takes them. The kernel knows its own (proc(5)).
    char options[2560];
    bool shared;          // other hosts mount the store, too (-o shared)
    uint64_t hosts;       // that have it, this one among them; 0: not shared, or not known
    char mappings[16];    // when one sees what another stores through a mapping (shmap_hosts.h)
    char huge[16];        // tmpfs' huge= in force for the RAM area; "never" if the kernel refused
    char transport[16];   // "fuse" or "io_uring"
    bool writeback;       // FUSE's page cache holds writes back
    uint64_t nodes;       // files that the kernel knows
    uint64_t open_files;  // open handles of regular files
    uint64_t descriptors; // that the daemon holds for nodes
    uint64_t descriptors_max;
    uint64_t lock_owners, lock_waiters; // of locks that hold on all hosts, and for them
    struct shmap_area_status store_area;
    struct shmap_area_status ram_area;
    // The journal of the classes atomic and checkpoint; earlier versions have none: 0.
    uint64_t journal_size;        // bytes of data that it may take in the store; 0: none was needed
    uint64_t journal_used;        // that it takes, or would have to be written to files before
    uint64_t journal_uncommitted; // bytes that were written and not committed
    uint64_t journal_unapplied;   // bytes that are committed, and not in the store's files yet
    uint64_t journal_commits;     // since the process that serves began
    uint64_t journal_last_commit; // in seconds since 1970; 0: there was none since then
    char journal_error[128];      // why commits fail; empty: none has failed for good
    char journal_waits[128];      // why what was written or committed waits; empty: nothing does
};

/* Reads the state of a mount. -ENODATA: `mountpoint` is not the root of a shmapfs mount; -EPROTO:
 * this version does not understand the answer; -ENOMEM; or an error of getxattr(2). */
int shmap_status_get(const char *mountpoint, struct shmap_status *status);

/* Returns a state as a JSON object, which is what the mount itself answers, for free(); NULL: out
 * of memory. The members have the names of the fields; an area that is not present is null. */
char *shmap_status_to_json(const struct shmap_status *status);

/* Does the reverse, and passes over unknown members. -EPROTO: a member that every version has is
 * missing, or one has another type, or a text is too long for its field. */
int shmap_status_from_json(const char *json, struct shmap_status *status);

/* A RAM area that a directory has for itself. */
struct shmap_own_area {
    char directory[4096];             // from the mount's root, without a slash before it
    char words[SHMAP_AREA_WORDS_MAX]; // in force
    char huge[16];                    // likewise
    uint64_t size;                    // as in shmap_area_status
    uint64_t used;
    uint64_t inodes;
    uint64_t inodes_used;
};

/* Reads the areas that directories of a mount have for themselves and that it knows by now: those
 * that somebody has looked at since it began. `areas` is for free(). As many are left out as an
 * attribute has no room for. -EPERM: the caller is neither the mount's owner nor root; otherwise
 * errors as of shmap_status_get(), also of a mount that is older than this. */
int shmap_areas_get(const char *mountpoint, struct shmap_own_area **areas, size_t *count);

/* Return areas as a JSON array, which is what the mount itself answers, for free() (NULL: out of
 * memory); and do the reverse. -EPROTO: it is no such array; -ENOMEM. */
char *shmap_areas_to_json(const struct shmap_own_area *areas, size_t count);
int shmap_areas_from_json(const char *json, struct shmap_own_area **areas, size_t *count);

/* How many requests of the kernel's a mount has served, by their kind. Calls that stay in the
 * kernel, such as reads and writes that are passed through, are none. */
#define SHMAP_REQUEST_KINDS 64
struct shmap_request_count {
    char name[24]; // as linux/fuse.h has it, without FUSE_: "LOOKUP", "GETATTR" …
    uint64_t served;
};
struct shmap_requests {
    uint64_t pid; // of the worker that has served them: another one counts anew
    size_t count;
    struct shmap_request_count all[SHMAP_REQUEST_KINDS];
};

/* Reads them. -EPERM: the caller is neither the mount's owner nor root; -EOPNOTSUPP: the mount's
 * transport is io_uring, where they are not counted; otherwise errors as of shmap_status_get(),
 * also of a mount that is older than this. */
int shmap_requests_get(const char *mountpoint, struct shmap_requests *requests);

/* Return them as a JSON object, which is what the mount itself answers, for free() (NULL: out of
 * memory); and do the reverse, as far as there is room. -EPROTO: it is no such object. */
char *shmap_requests_to_json(const struct shmap_requests *requests);
int shmap_requests_from_json(const char *json, struct shmap_requests *requests);

/* The pages of a file that are in memory, in pages of sysconf(_SC_PAGESIZE) bytes. */
struct shmap_pages {
    // In memory. Where data does not pass through the kernel, a page may be there twice, in FUSE's
    // page cache and in the area, and counts as often as it takes memory.
    uint64_t resident;
    // Resident pages that were changed and not yet written to where they belong, which for a
    // persisted file is the disk. A file in the RAM area has none, but for what FUSE's page cache
    // has yet to hand on.
    uint64_t dirty;
    uint64_t swapped; // of a file in the RAM area: swapped out, and so not resident
};

/* Counts the pages of a regular file, without an effect on them or on its times. -ENODATA: it is
 * not a regular file of a shmapfs mount, or the kernel cannot tell (Linux before 6.5); -EPERM: the
 * caller is neither the file's owner nor root; -EPROTO: this version does not understand the
 * answer; or an error of getxattr(2) and open(2). */
int shmap_pages_get(const char *path, struct shmap_pages *pages);

/* Does the same with fewer round trips, for callers with many files. The caller knows that `path`
 * is on a shmapfs mount, for example because it is on the same device as a path whose class
 * shmap_class_get() has read. A symbolic link in the last place is not followed. */
int shmap_pages_get_unchecked(const char *path, struct shmap_pages *pages);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
