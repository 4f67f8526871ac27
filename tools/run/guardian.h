// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process that does nothing until its parent dies, and then ends what the parent would have
 * ended. The kernel's own means for that, PR_SET_PDEATHSIG, is forgotten when a process changes its
 * credentials, as root's daemon and su(1) do.
 */
#ifndef SHMAPCTL_GUARDIAN_H
#define SHMAPCTL_GUARDIAN_H

#include <sys/types.h>

struct guardian {
    pid_t pid; // -1: there is none
    int pidfd;
};
#define GUARDIAN_NONE ((struct guardian){ .pid = -1, .pidfd = -1 })

/* Starts a guardian. When this process is gone, it kills the process behind `killed` and sends
 * SIGTERM to the one behind `ended`, unless that is -1. Both are pidfds, and so is none of the
 * three standard descriptors. Returns 0; -1 with errno. */
int guardian_start(struct guardian *guardian, int killed, int ended);

/* Ends the guardian, if there is one. */
void guardian_dismiss(const struct guardian *guardian);

#endif
