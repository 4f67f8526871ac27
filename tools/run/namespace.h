// SPDX-License-Identifier: BSD-2-Clause
/*
 * A mount namespace in which /dev/shm is not the machine's.
 */
#ifndef SHMAPCTL_NAMESPACE_H
#define SHMAPCTL_NAMESPACE_H

#include <stdbool.h>

#define SHM_DIRECTORY "/dev/shm"

/* Moves this process, which has one thread, to a mount namespace of its own, and covers
 * SHM_DIRECTORY there with an empty directory that cannot be written to. That hides the machine's
 * objects, and is what is found there after the mount above it has ended. `user_namespace` tells
 * whether it took a user namespace, in which the process has every capability. Returns 0, or a
 * negative errno after a line on standard error. */
int namespace_enter(bool *user_namespace);

#endif
