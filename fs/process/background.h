// SPDX-License-Identifier: BSD-2-Clause
/* Going to the background: the daemon leaves the shell that started it, once the mount is ready. */
#ifndef SHMAPFS_BACKGROUND_H
#define SHMAPFS_BACKGROUND_H

#include <stdbool.h>

/* Does the work in a child with a session of its own. Returns in the parent, with the exit status,
 * when the child is ready (0) or has failed. `work` receives the descriptor for background_ready(),
 * and its result ends the child. */
int background_run(int (*work)(void *argument, int ready), void *argument);

/* Tells the parent that the child is ready, which lets go of the terminal. -1 as descriptor: nobody
 * waits, and nothing is done. Returns false if nobody waits any more. */
bool background_ready(int ready);

#endif
