// SPDX-License-Identifier: BSD-2-Clause
/* Leaving the shell that started the daemon, once the mount is ready. */
#ifndef SHMAPFS_BACKGROUND_H
#define SHMAPFS_BACKGROUND_H

#include <stdbool.h>

/* Sees to it that standard input, output and error are something. To be called before all else. */
void background_open_streams(void);

/* Does the work in a child of its own session; returns here, with the exit status, when that is ready
 * (0) or has failed. `work` receives the descriptor for background_ready(), and its result ends the
 * child. */
int background_run(int (*work)(void *argument, int ready), void *argument);

/* The child is ready: it lets go of the terminal and tells its parent. -1 as descriptor: nobody
 * waits, and nothing is done. false: nobody waits any more. */
bool background_ready(int ready);

#endif
