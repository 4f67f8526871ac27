// SPDX-License-Identifier: BSD-2-Clause
/*
 * The takeover: a service starts where its mount lives already (-o takeover).
 *
 * The mount's keeper has outlived the last stop of the service: it passed on its role (SIGUSR1), or
 * the manager lost it. The manager does not know that keeper then. So the process that the manager
 * has just started has the mount upgraded to its own binary, tells the keeper how often the manager
 * wants to hear of it, tells the manager that the keeper is the service's main process, and ends.
 */
#ifndef SHMAPFS_TAKEOVER_H
#define SHMAPFS_TAKEOVER_H

#include "fs/options/options.h"

/* Looks at the mount point. Returns 1 if it took over a living mount, and nothing is left to do; 0
 * if the place is free, perhaps because a dead mount was taken away; or a negative errno with a
 * complaint. */
int takeover_mount(const struct options *options, struct complaint *complaint);

#endif
