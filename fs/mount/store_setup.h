// SPDX-License-Identifier: BSD-2-Clause
/* The store of a mount that is about to be made: it is opened, locked and checked. */
#ifndef SHMAPFS_STORE_SETUP_H
#define SHMAPFS_STORE_SETUP_H

#include "fs/mount/mount.h"

/* Opens and locks the store, if the options name one; the mount point is known. Returns 0, or a
 * negative errno with a complaint. */
int store_setup_open(struct mount *mount, struct complaint *complaint);

/* Check the names of anon=, and make class roots of them. */
int store_setup_check_anon(struct mount *mount, struct complaint *complaint);
int store_setup_make_anon(struct mount *mount, struct complaint *complaint);

#endif
