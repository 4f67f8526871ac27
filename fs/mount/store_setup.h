// SPDX-License-Identifier: BSD-2-Clause
/* The store of a mount that is about to be made. */
#ifndef SHMAPFS_STORE_SETUP_H
#define SHMAPFS_STORE_SETUP_H

#include "fs/mount/mount.h"

/* Opens and locks the store that the options name, if they name one; the mount point is known.
 * Returns 0, or a negative errno with a complaint. */
int store_setup_open(struct mount *mount, struct complaint *complaint);

/* Checks the names of anon=, or makes them class roots. */
int store_setup_check_anon(struct mount *mount, struct complaint *complaint);
int store_setup_make_anon(struct mount *mount, struct complaint *complaint);

#endif
