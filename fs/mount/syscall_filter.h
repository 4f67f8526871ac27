// SPDX-License-Identifier: BSD-2-Clause
/*
 * The filter of system calls: what a worker may ask the kernel for.
 *
 * A filter outlives execve(2), and a later version may need calls that today's does not. So it is
 * the worker's alone: the keeper, which executes the next version, has none. A process by which a
 * worker asks the next version has it, and so a call that is not allowed fails with ENOSYS, as it
 * does on an older kernel, for which a C library is prepared. A worker is not killed for it: the
 * request would be served again, by the next one.
 */
#ifndef SHMAPFS_SYSCALL_FILTER_H
#define SHMAPFS_SYSCALL_FILTER_H

#include "fs/mount/mount.h"

/* Filters the calls of this process, which has one thread, and of its threads and children, for
 * good. Does nothing where that is not possible: without libseccomp, without no_new_privs, and
 * where the RAM area needs calls that no other mount does. Returns 0 or a negative errno. */
int syscall_filter_begin(const struct mount *mount);

#endif
