// SPDX-License-Identifier: BSD-2-Clause
/* The store of a mount that has ended. */
#ifndef SHMAPFS_STORE_END_H
#define SHMAPFS_STORE_END_H

#include "fs/mount/mount.h"

/* Brings what was written to the store to its disk; the log says if that fails. The next mount of
 * the store waits meanwhile. No request may need this thread, which is held up for as long as the
 * disk takes. Nothing is to be done without a store. */
void store_end(const struct mount *mount);

#endif
