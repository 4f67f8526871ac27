// SPDX-License-Identifier: BSD-2-Clause
#ifndef SHMAPFS_FORK_H
#define SHMAPFS_FORK_H

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Does the same as fork(2), but with the descriptors shared. The C library's own idea of the
 * thread's id is the parent's afterwards; only locks would miss it, and no child uses those. */
static inline pid_t fork_sharing_descriptors(void)
{
    return (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);
}

#endif
