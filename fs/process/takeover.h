// SPDX-License-Identifier: BSD-2-Clause
/*
 * A service that is started where its mount lives already (-o takeover).
 *
 * Its keeper has outlived the last stop of the service: it passed on its role (SIGUSR1), or the
 * manager lost it. To the manager it is a stranger then. So the process that the manager has just
 * started has the mount upgraded to its own binary, tells the keeper how often the manager wants to
 * hear of it, tells the manager that the keeper is the service's main process, and ends.
 */
#ifndef SHMAPFS_TAKEOVER_H
#define SHMAPFS_TAKEOVER_H

#include "fs/options/options.h"

/* Looks at the mount point. 1: a living mount was taken over, and nothing is left to do; 0: there is none
 * (any more: a dead one is taken away), and the place is free; or a negative errno with a complaint. */
int takeover_mount(const struct options *options, struct complaint *complaint);

#endif
