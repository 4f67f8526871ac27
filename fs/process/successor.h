// SPDX-License-Identifier: BSD-2-Clause
/*
 * Who keeps a mount after this process, or after this binary: found by the memory of the mount and by
 * the descriptors that are left open, and told nothing else. Nothing is allocated.
 */
#ifndef SHMAPFS_SUCCESSOR_H
#define SHMAPFS_SUCCESSOR_H

#include <sys/types.h>

#include "fs/util/notify.h"

/* Like fork(2), but the child is one of our own parent's: a service manager that has started us
 * hears of its end, too. Fails where we are the first process of a PID namespace. */
pid_t successor_fork(void);

/* Becomes a binary that goes on with the mount whose state is in the memory of a descriptor, and that
 * tells the same service manager, as often. Returns a negative errno. */
int successor_execute(const struct notify *notify, int memfd, const char *binary);

#endif
