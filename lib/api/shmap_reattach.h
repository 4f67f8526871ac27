// SPDX-License-Identifier: BSD-2-Clause
/*
 * A mount goes over to its store as that is mounted now. The remarks that begin shmap.h are true of
 * this header, too.
 */
#ifndef SHMAP_REATTACH_H
#define SHMAP_REATTACH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* Read on a mount's root by its owner and root: has the mount open its store anew. */
#define SHMAP_XATTR_REATTACH "user.shmapfs.reattach"

struct shmap_reattached {
    bool needless;  // the daemon has that very filesystem; nothing was done
    uint64_t found; // descriptors of the daemon that lead to the same object again
    uint64_t lost;  // that do not: their objects are not in the store any more
};

/* Has a mount open its store anew, whose client had died or whose disk was away, once it is mounted
 * again at the same path. The RAM area stays as it is. Files of the store that are open go on if
 * the daemon reads and writes them; those that pass through the kernel fail until they are opened
 * again. The last writes to a file may be lost: then the next fsync(2) of each descriptor that was
 * open for them fails with EIO. -EXDEV: what is at its path is not the same store; -EBUSY: another
 * daemon has it by now; -ENOTSUP: whether it is the same cannot be known, because it has no lock
 * file; -ENXIO: the mount has no store; -EAGAIN: an upgrade is under way; -EOPNOTSUPP: the mount
 * does not survive its worker (shmap_status.survival says why); -EPERM: the caller is neither the
 * mount's owner nor root; -ENODATA: `mountpoint` is not the root of a shmapfs mount, or of one that
 * is older than this; or an error of open(2) on the store, or of getxattr(2). */
int shmap_reattach(const char *mountpoint, struct shmap_reattached *done);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
