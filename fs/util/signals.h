// SPDX-License-Identifier: BSD-2-Clause
/* Which signals a daemon heeds, reads one by one, and passes over. */
#ifndef SHMAPFS_SIGNALS_H
#define SHMAPFS_SIGNALS_H

#include <signal.h>

/* Has the signals that are heeded wait until they are read (signalfd(2)), in every thread and process
 * that there will be. To be called before anything else. */
void signals_block(sigset_t *heeded);

/* In a process that can be replaced: faults that others send end it, too. */
void signals_take_faults(void);

#endif
