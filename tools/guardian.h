// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process that does nothing until its parent dies, and then ends what the parent would have ended.
 * The kernel's own means for that, PR_SET_PDEATHSIG, is forgotten when a process changes its
 * credentials, as root's daemon does, and su(1).
 */
#ifndef SHMAPCTL_GUARDIAN_H
#define SHMAPCTL_GUARDIAN_H

#include <sys/types.h>

/* When this process is gone, the process behind `killed` is killed, and the one behind `ended` is
 * sent SIGTERM. Both are pidfds, and so is none of the three standard descriptors. Returns the
 * guardian's pid; -1 with errno. */
pid_t guardian_start(int killed, int ended);

/* Sends it home. */
void guardian_dismiss(pid_t guardian);

#endif
