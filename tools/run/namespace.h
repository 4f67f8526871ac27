// SPDX-License-Identifier: BSD-2-Clause
/*
 * A mount namespace in which /dev/shm, or another directory, is not the machine's.
 */
#ifndef SHMAPCTL_NAMESPACE_H
#define SHMAPCTL_NAMESPACE_H

#include <stdbool.h>

/* Moves this process, which has one thread, to a mount namespace of its own, and covers a directory
 * there, by its path without symlinks, with an empty one that has no room for anything. That hides
 * what the machine has there, and is what is found there after the mount above it has ended: nobody
 * finds a name, and nobody makes one. `user_namespace` tells whether it took a user namespace, in
 * which the process has every capability. Returns 0, or a negative errno after a line on standard
 * error. */
int namespace_enter(const char *directory, bool *user_namespace);

/* Moves this process, which has one thread, to the namespaces of another one, by its directory in
 * /proc, and to its root directory. Tells and returns the same. */
int namespace_join(int process, bool *user_namespace);

#endif
