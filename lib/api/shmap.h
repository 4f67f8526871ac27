// SPDX-License-Identifier: BSD-2-Clause
/*
 * shmap.h - what a C program can ask of a shmapfs mount.
 *
 * Nobody needs this header to share memory: open(2) and mmap(2) on a path of the mount do that. It
 * is for programs that choose where their data lives, watch a mount, or resize it. Every call asks
 * for or sets one extended attribute of the path given, so that scripts can do the same with
 * getfattr(1) and setfattr(1). CephFS' virtual attributes are the model.
 *
 * Functions that return int return 0, or a negative errno. Strings are NUL-terminated; sizes are in
 * bytes. All functions are thread-safe; none keeps state.
 */
#ifndef SHMAP_H
#define SHMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The class of a directory or file: read anywhere, set on an empty directory. */
#define SHMAP_XATTR_CLASS "user.shmapfs.class"
/* On a mount's root only. Read: its state, as a JSON object. */
#define SHMAP_XATTR_STATUS "user.shmapfs.status"
/* On a mount's root only. Set: the size limit of the RAM area, in the words of shmap_size_parse().
 * */
#define SHMAP_XATTR_SIZE "user.shmapfs.size"
/* On a mount's root only. Set: the absolute path of a binary that is to serve from now on; empty:
 * the one at the path of the binary that serves. */
#define SHMAP_XATTR_UPGRADE "user.shmapfs.upgrade"
/* The same where the mount is root's: the kernel lets nobody set it who lacks CAP_SYS_ADMIN, which
 * to have the user id 0 alone, as in a container, is not enough for. */
#define SHMAP_XATTR_UPGRADE_TRUSTED "trusted.shmapfs.upgrade"
/* On regular files. Read: which of their pages the area has in memory, as shmap_pages_get() says. */
#define SHMAP_XATTR_PAGES "user.shmapfs.pages"
/* Every attribute name that begins so belongs to shmapfs. */
#define SHMAP_XATTR_PREFIX "user.shmapfs."

/* What happens to the pages of the files below a directory. */
enum shmap_class {
    SHMAP_PERSIST,    /* in the store: on disk when msync or fsync return */
    SHMAP_ANON,       /* in the RAM area: gone with the mount */
    SHMAP_ATOMIC,     /* in the store, each commit all or nothing */
    SHMAP_CHECKPOINT, /* in the RAM area, saved whole to the store */
};
#define SHMAP_CLASSES 4

/* The word for a class: "persist", "anon", "atomic", "checkpoint". */
const char *shmap_class_name(enum shmap_class which);

/* The class that a word of `length` bytes (no NUL needed) names. -EINVAL: none. */
int shmap_class_parse(const char *word, size_t length, enum shmap_class *which);

/* The class that is in force for a file or directory. -ENODATA: not on a shmapfs mount; or what
 * getxattr(2) answers. */
int shmap_class_get(const char *path, enum shmap_class *which);

/* Makes an empty directory the root of a class, or gives it back the class of its parent's.
 * -ENOTEMPTY: it has entries; -ENOTDIR: not a directory; -EINVAL: the class cannot be there (any
 * but anon below an anonymous directory or on a mount without a store; a mount's root);
 * -EOPNOTSUPP: this version does not do the class; -EPERM: neither the owner of the directory nor
 * root; -ENODATA: not on a shmapfs mount; or what setxattr(2) answers. */
int shmap_class_set(const char *path, enum shmap_class which);

/* Reads a size: a number with an optional suffix k, m, g or t (powers of 1024, either case), or a
 * percentage of `whole`. -EINVAL: not such a text; -ERANGE: 0, or over INT64_MAX. */
int shmap_size_parse(const char *text, uint64_t whole, uint64_t *bytes);

/* Gives the RAM area of a mount another size limit, live; `size` is a text for shmap_size_parse()
 * (a percentage is of the machine's RAM). -EINVAL: not such a text, or smaller than what is in use;
 * -ERANGE: as there; -EPERM: neither the mount's owner nor root; -ENODATA: not the root of a
 * shmapfs mount; or what setxattr(2) answers. */
int shmap_resize(const char *mountpoint, const char *size);

/* Has a mount served by another binary of shmapfs, without an end to anything that is open, mapped
 * or locked there. `binary` is an absolute path as the daemon sees it; NULL: where the one that
 * serves was started from. Returns when the new one serves; after an error the old one goes on.
 * -EPERM: neither privileged (CAP_SYS_ADMIN) nor the owner of a user's own mount; -EINVAL: not an absolute path; -ENOENT, -EACCES,
 * -ENOEXEC: `binary` cannot be executed; -EOPNOTSUPP: the mount does not survive its worker
 * (shmap_status.survival says why); -EPROTO: the binary cannot go on with this mount
 * (shmap_status.upgrade_error says why); -EBUSY: another upgrade is under way; -ENODATA: not the
 * root of a shmapfs mount; or what setxattr(2) answers. */
int shmap_upgrade(const char *mountpoint, const char *binary);

/* One area of a mount: a directory tree that holds objects of one durability. */
struct shmap_area_status {
    bool present; /* the mount has it */
    uint64_t
        size; /* bytes that it can hold in all: the RAM area's limit, or the store's filesystem */
    uint64_t used;   /* bytes in use (of the store's filesystem, by anybody) */
    uint64_t inodes; /* how many files it can hold; 0: no limit */
    uint64_t inodes_used;
    /* Reads, writes and mappings stay in the kernel; otherwise FUSE's page cache carries them. */
    bool passthrough;
    char filesystem[32]; /* of the area: "tmpfs", "ext4" … or a hexadecimal magic */
    char reason[128];    /* why not passthrough; empty when it is */
};

/* The state of a mount, as the attribute SHMAP_XATTR_STATUS tells it. */
struct shmap_status {
    char version[32]; /* of the daemon */
    /* Process ids are those of the daemon's own PID namespace. */
    uint64_t pid;            /* of the worker: the process that serves */
    uint64_t keeper;         /* of the process that holds the mount for it; 0: none */
    uint64_t restarts;       /* workers that died and were replaced */
    uint64_t upgrades;       /* binaries that were replaced */
    char last_reason[128];   /* of the last restart or upgrade; empty: there was none */
    uint64_t last_stall_us;  /* for how long nobody served then, in microseconds */
    char survival[128];      /* why the mount does not survive its worker; empty: it does */
    char upgrade_error[256]; /* why the last upgrade was refused; empty: it was not */
    char mountpoint[4096];
    char store[4096]; /* empty: no store */
    char huge
        [16]; /* tmpfs' huge= that is in force for the RAM area; "never" where the kernel refused */
    char transport[16];   /* "fuse" or "io_uring" */
    bool writeback;       /* FUSE's page cache holds writes back */
    uint64_t nodes;       /* files that the kernel knows */
    uint64_t open_files;  /* open handles of regular files */
    uint64_t descriptors; /* that the daemon holds for nodes */
    uint64_t descriptors_max;
    struct shmap_area_status store_area;
    struct shmap_area_status ram_area;
};

/* Asks a mount for its state. -ENODATA: `mountpoint` is not the root of a shmapfs mount; -EPROTO:
 * an answer that this version does not understand; or what getxattr(2) answers. */
int shmap_status_get(const char *mountpoint, struct shmap_status *status);

/* A state as a JSON object, for free(); NULL: out of memory. What the mount itself answers. The
 * members are named as the fields are; an area that is not present is null. */
char *shmap_status_to_json(const struct shmap_status *status);

/* The reverse. Unknown members are passed over; missing or mistyped ones, and texts too long for
 * their field, are -EPROTO. */
int shmap_status_from_json(const char *json, struct shmap_status *status);

/* Which pages of a file are in memory, in pages of sysconf(_SC_PAGESIZE) bytes. */
struct shmap_pages {
    /* In memory. Where data does not pass through the kernel, a page may be there twice, in FUSE's
     * page cache and in the area, and counts as often as it takes memory. */
    uint64_t resident;
    /* Of these, changed and not yet written to where they belong: of a persisted file, to the disk.
     * A file in the RAM area has none, but what FUSE's page cache has yet to hand on. */
    uint64_t dirty;
    uint64_t swapped; /* of a file in the RAM area: swapped out, and so not resident */
};

/* Counts the pages of a regular file, without an effect on them or on its times. -ENODATA: not a
 * regular file of a shmapfs mount, or the kernel cannot tell (Linux before 6.5); -EPERM: neither the
 * file's owner nor root; -EPROTO: an answer that this version does not
 * understand; or what getxattr(2) and open(2) answer. */
int shmap_pages_get(const char *path, struct shmap_pages *pages);

/* The same with fewer round trips, for whoever asks about many files: that `path` is on a shmapfs
 * mount is for the caller to know, for example because it is on the same device as a path that
 * shmap_class_get() has told about. A symbolic link in the last place is not followed. */
int shmap_pages_get_unchecked(const char *path, struct shmap_pages *pages);

#ifdef __cplusplus
}
#endif

#endif
