// SPDX-License-Identifier: BSD-2-Clause
/*
 * The FUSE operations, one function each, by subject; ops.c has the table of them.
 *
 * Each operation replies exactly once on every path, through reply.h.
 */
#ifndef SHMAPFS_OPS_H
#define SHMAPFS_OPS_H

#include "fs/inode/inode.h"
#include "fs/mount/mount.h"
#include "fs/ops/reply.h"

extern const struct fuse_lowlevel_ops OPS;

/* lookup.c */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t lookups);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void reply_inode(fuse_req_t req, struct inode *inode, uint64_t mark, struct statx *stx,
                 bool changed);
int fill_entry(struct inode *inode, uint64_t mark, struct statx *stx,
               struct fuse_entry_param *entry);

/* attr.c */
void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t id, struct stat *attr, int to_set,
                struct fuse_file_info *fi);
void op_statx(fuse_req_t req, fuse_ino_t id, int flags, int mask, struct fuse_file_info *fi);
void op_ioctl(fuse_req_t req, fuse_ino_t id, unsigned command, void *address,
              struct fuse_file_info *fi, unsigned mode, const void *value, size_t size,
              size_t room);
void op_readlink(fuse_req_t req, fuse_ino_t id);
void op_statfs(fuse_req_t req, fuse_ino_t id);

/* create.c */
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t parent, const char *name);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi);
void op_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi);

/* remove.c */
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned flags);

/* file.c */
void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t id, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t id, int datasync, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t id, int mode, off_t offset, off_t length,
                  struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t id, off_t offset, int whence, struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset,
                        struct fuse_file_info *from_fi, fuse_ino_t to, off_t to_offset,
                        struct fuse_file_info *to_fi, size_t length, int flags);

bool wait_for_release(const struct inode *inode, unsigned *mark, uint64_t end);

/* lock.c */
void op_getlk(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi, struct flock *lock);
void op_setlk(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi, struct flock *lock,
              int waits);
void op_flock(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi, int operation);
void op_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);

/* dir.c */
void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset,
                struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t id, size_t size, off_t offset,
                    struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t id, int datasync, struct fuse_file_info *fi);

/* xattr.c */
void op_setxattr(fuse_req_t req, fuse_ino_t id, const char *name, const char *value, size_t size,
                 int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t id, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t id, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t id, const char *name);

/* save.c: commits that clients ask for by the attribute SHMAP_XATTR_SAVE. */

/* Commits a file, to which the kernel lets the client write, and others that are named by their
 * inode numbers, as shmap_save() describes. Returns 0 or a negative errno. */
int save_files(fuse_req_t req, struct inode *inode, const char *numbers, size_t size);

/* Answers the request, which reads the attribute of the mount's root with room for `size` bytes,
 * when all is committed that the end of the mount would commit. */
void save_request(fuse_req_t req, size_t size);

#endif
