// SPDX-License-Identifier: BSD-2-Clause
/* The store of a mount: it is opened, locked and checked before the mount is made, and brought to
 * its disk when the mount has ended. */
#ifndef SHMAPFS_STORE_SETUP_H
#define SHMAPFS_STORE_SETUP_H

#include "fs/mount/mount.h"

/* Opens and locks the store, if the options name one; the mount point is known. Returns 0, or a
 * negative errno with a complaint. */
int store_setup_open(struct mount *mount, struct complaint *complaint);

/* Check the names of anon=, and make class roots of them, unless the mount is read-only. */
int store_setup_check_anon(struct mount *mount, struct complaint *complaint);
int store_setup_make_anon(struct mount *mount, struct complaint *complaint);

/* The same for those of scratch=. The contents that scratch directories had in an earlier mount
 * go. */
int store_setup_check_scratch(struct mount *mount, struct complaint *complaint);
int store_setup_make_scratch(struct mount *mount, struct complaint *complaint);

/* The same for those of atomic= and checkpoint=, which a read-only mount does not have. */
int store_setup_check_journaled(struct mount *mount, struct complaint *complaint);
int store_setup_make_journaled(struct mount *mount, struct complaint *complaint);

/* Takes away what is in scratch directories, and brings what was written to the store to its disk;
 * the log says if that fails. The next mount of the store waits meanwhile. No request may need this
 * thread, which is held up for as long as the disk takes. Nothing is to be done without a store. */
void store_end(struct mount *mount);

#endif
