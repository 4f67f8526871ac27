// SPDX-License-Identifier: BSD-2-Clause
/* Commits that clients ask for by the attribute SHMAP_XATTR_SAVE. */
#ifndef SHMAPFS_SAVE_H
#define SHMAPFS_SAVE_H

#include <fuse_lowlevel.h>

#include "fs/inode/inode.h"

/* Commits a file, to which the kernel lets the client write, and others that are named by their
 * inode numbers, as shmap_save() describes. Returns 0 or a negative errno. */
int save_files(fuse_req_t req, struct inode *inode, const char *numbers, size_t size);

/* Answers the request, which reads the attribute of the mount's root with room for `size` bytes,
 * when all is committed that the end of the mount would commit. */
void save_request(fuse_req_t req, size_t size);

#endif
