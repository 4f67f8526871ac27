// SPDX-License-Identifier: BSD-2-Clause
/* The kinds of calls: each makes one, says which, and tells what came of it. */
#ifndef SHMAPFS_TESTS_FUZZ_KINDS_H
#define SHMAPFS_TESTS_FUZZ_KINDS_H

#include "tests/mount/fuzz/client.h"

struct fuzz_kind {
    const char *name;
    unsigned weight; // how often it comes
    void (*make)(struct fuzz_client *client, const struct fuzz_op *op);
};

extern const struct fuzz_kind fuzz_kinds[];
extern const size_t fuzz_kind_count;

typedef void fuzz_call(struct fuzz_client *client, const struct fuzz_op *op);

// calls/names.c
fuzz_call call_rename, call_renameat2, call_link, call_unlink, call_rmdir, call_mkdir, call_mknod,
    call_symlink, call_readlink, call_list, call_chdir;
// calls/descriptors.c
fuzz_call call_open, call_creat, call_tmpfile, call_name_tmpfile, call_dup, call_close, call_reopen,
    call_setfl, call_list_fd;
// calls/data.c
fuzz_call call_read, call_write, call_pread, call_pwrite, call_readv, call_writev, call_append,
    call_copy_file_range, call_sendfile;
// calls/extents.c
fuzz_call call_truncate, call_ftruncate, call_fallocate, call_lseek, call_seek_hole, call_fsync,
    call_fdatasync;
// calls/mappings.c
fuzz_call call_mmap, call_munmap, call_load, call_store, call_msync;
// calls/attributes.c
fuzz_call call_chmod, call_fchmod, call_chown, call_fchown, call_utimensat, call_futimens,
    call_stat, call_fstat, call_statx, call_access, call_umask, call_chattr;
// calls/xattrs.c
fuzz_call call_setxattr, call_getxattr, call_listxattr, call_removexattr, call_fsetxattr,
    call_fgetxattr;
// calls/locks.c
fuzz_call call_flock, call_setlk, call_ofd_setlk, call_getlk;

#endif
