// SPDX-License-Identifier: BSD-2-Clause
/* The broker under test, $SHMAPFS_BROKER, in the mount namespace of the case: its socket is where
 * the daemon looks for it. */
#ifndef SHMAPFS_TESTS_BROKER_SERVICE_H
#define SHMAPFS_TESTS_BROKER_SERVICE_H

#include "tests/mount/workspace/workspace.h"

/* Prepares the namespace for a broker; skips the case where there can be none. */
void broker_prepare(void);

/* Starts it, with one more argument or NULL. Returns its process id when it takes connections. */
pid_t broker_start(const char *argument);

/* Returns the process of the only session, once those of others that have ended are gone. */
pid_t broker_only_child(pid_t broker);

/* Ends it, and returns when its children have ended, too. */
void broker_stop(pid_t broker);

#endif
