// SPDX-License-Identifier: BSD-2-Clause
/* A mount that ends lets go of RAM before it waits for the store. */
#ifndef SHMAPFS_RAM_RELEASE_H
#define SHMAPFS_RAM_RELEASE_H

#include "fs/inode/volume.h"

/* Closes whatever the mount's processes have of its RAM areas, which are gone with that: when
 * nobody serves the mount any more. A thread that still waits for the store may use a number of
 * these descriptors once it goes on, so no other file gets it. Takes no call that may have to wait
 * for the store. */
void ram_release(struct volume *volume);

#endif
