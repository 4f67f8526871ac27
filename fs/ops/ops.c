// SPDX-License-Identifier: BSD-2-Clause
#include "fs/ops/ops.h"

#include "fs/mount/session.h"

/*
 * The table of operations. Some are missing for a reason. access: default_permissions. poll, bmap:
 * regular files have no need of them. getlk, setlk and flock come on a mount that forwards locks.
 */
const struct fuse_lowlevel_ops OPS = {
    .init = session_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .statx = op_statx,
    .ioctl = op_ioctl,
    .readlink = op_readlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .symlink = op_symlink,
    .link = op_link,
    .create = op_create,
    .tmpfile = op_tmpfile,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .rename = op_rename,
    .open = op_open,
    .getlk = op_getlk,
    .setlk = op_setlk,
    .flock = op_flock,
    .flush = op_flush,
    .release = op_release,
    .read = op_read,
    .write = op_write,
    .fsync = op_fsync,
    .fallocate = op_fallocate,
    .lseek = op_lseek,
    .copy_file_range = op_copy_file_range,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .fsyncdir = op_fsyncdir,
    .statfs = op_statfs,
    .setxattr = op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
};
