// SPDX-License-Identifier: BSD-2-Clause
/* Replies to requests: once each, and recorded as answered before (request.h). They correspond to
 * fuse_reply_*() of libfuse, which nothing else calls. */
#ifndef SHMAPFS_REPLY_H
#define SHMAPFS_REPLY_H

#include <fuse_lowlevel.h>

int reply_err(fuse_req_t req, int error);

/* Tells the kernel to answer requests of this kind by itself from now on. */
int reply_never_again(fuse_req_t req);
int reply_entry(fuse_req_t req, const struct fuse_entry_param *entry);
int reply_create(fuse_req_t req, const struct fuse_entry_param *entry,
                 const struct fuse_file_info *fi);
int reply_attr(fuse_req_t req, const struct stat *st, double timeout);
int reply_statx(fuse_req_t req, int flags, struct statx *stx, double timeout);
int reply_readlink(fuse_req_t req, const char *target);
int reply_open(fuse_req_t req, const struct fuse_file_info *fi);
int reply_write(fuse_req_t req, size_t count);
int reply_buf(fuse_req_t req, const char *data, size_t size);
int reply_data(fuse_req_t req, struct fuse_bufvec *data);
int reply_statfs(fuse_req_t req, const struct statvfs *vfs);
int reply_xattr(fuse_req_t req, size_t size);
int reply_lseek(fuse_req_t req, off_t offset);
int reply_lock(fuse_req_t req, const struct flock *lock);
int reply_ioctl(fuse_req_t req, const void *value, size_t size);
void reply_none(fuse_req_t req);
/* Leaves the answer to the next process. */
void reply_later(fuse_req_t req);

#endif
