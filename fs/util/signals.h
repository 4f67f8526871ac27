// SPDX-License-Identifier: BSD-2-Clause
/* The signals of a daemon: which of them it handles, which end it, and which it ignores. */
#ifndef SHMAPFS_SIGNALS_H
#define SHMAPFS_SIGNALS_H

#include <signal.h>

/* Blocks the signals that the daemon handles, in every thread and process to come, so that they
 * wait until they are read (signalfd(2)). Call it before anything else. */
void signals_block(sigset_t *heeded);

/* Lets faults that others send end this process. For a process that can be replaced. */
void signals_take_faults(void);

#endif
