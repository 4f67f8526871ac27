// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process that does nothing until its parent dies, and then ends what the parent would have ended.
 * The kernel's own means for that, PR_SET_PDEATHSIG, is forgotten when a process changes its
 * credentials, as root's daemon does, and su(1).
 */
#ifndef SHMAPCTL_GUARDIAN_H
#define SHMAPCTL_GUARDIAN_H

/* When this process is gone, the process behind `killed` is killed, and the one behind `ended` is
 * sent SIGTERM. Both are pidfds, and so is none of the three standard descriptors. Returns the
 * guardian's pidfd; -1 with errno. */
int guardian_start(int killed, int ended);

/* Sends it home, if it is there. */
void guardian_dismiss(int guardian);

#endif
