// SPDX-License-Identifier: BSD-2-Clause
/*
 * Commits of files of the classes atomic and checkpoint that are asked for. The remarks that begin
 * shmap.h are true of this header, too.
 */
#ifndef SHMAP_SAVE_H
#define SHMAP_SAVE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* Files of the classes atomic and checkpoint are committed as one. Set on one of them, to the inode
 * numbers of the others with a space between, by whoever may write to all: commits these. Read on a
 * mount's root by its owner and root: the answer comes when all is committed. */
#define SHMAP_XATTR_SAVE "user.shmapfs.save"
/* How many bytes were written to a file of these classes and are not committed; there is none where
 * all is. */
#define SHMAP_XATTR_UNCOMMITTED "user.shmapfs.uncommitted"

/* How many files one commit can have. */
#define SHMAP_SAVE_MAX 1024

/* Commits several files of the classes atomic and checkpoint as one: what was written to them so
 * far, also through mappings. Returns 0 when that is on the disk; after a crash all of it is there,
 * or none. `fds` are open regular files of one mount, to which the caller may write (an access ACL
 * counts for the first file alone). -EXDEV: they are not all of one mount; -EOPNOTSUPP: one is of
 * another class; -E2BIG: they are more than SHMAP_SAVE_MAX; -EACCES: the caller may not write to
 * one; -ENOSPC: the store is full, everything is uncommitted as before, and a later commit may
 * work; -EIO: the disk of the journal fails; -ENODATA: one is not on a shmapfs mount; -EPERM: the
 * mount is older than this; or an error of open(2) and setxattr(2). */
int shmap_save(const int fds[], size_t count);

struct shmap_saved {
    uint64_t files;   // that had something to commit
    uint64_t commits; // that this took: more than one where they are more than SHMAP_SAVE_MAX
    uint64_t left;    // files that are committed by their programs' fsync alone, and were not
};

/* Does the same for all files of a mount that its end would commit. -EPERM: the caller is neither
 * the mount's owner nor root; -ENXIO: the daemon cannot see where its mount is; -EBUSY: over
 * io_uring, another one is under way; -EPROTO: this version does not understand the answer;
 * -ENODATA: `mountpoint` is not the root of a shmapfs mount, or of one that is older than this;
 * otherwise as above. */
int shmap_save_all(const char *mountpoint, struct shmap_saved *saved);

/* Reads how many bytes were written to a file and are not committed; what the kernel still holds
 * back of a mapping is not among them. May be 0 where the size has changed. -ENODATA: nothing is
 * uncommitted, or it is no file of the classes atomic and checkpoint. */
int shmap_uncommitted_get(const char *path, uint64_t *bytes);

/* Does the same with fewer round trips, as shmap_pages_get_unchecked(). */
int shmap_uncommitted_get_unchecked(const char *path, uint64_t *bytes);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
