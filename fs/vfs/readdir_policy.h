// SPDX-License-Identifier: BSD-2-Clause
/*
 * The policy for listing directories: how much of it the kernel may do by itself.
 *
 * The kernel can keep a listing and answer from it until a name in the directory changes through
 * the mount. It can also do without OPENDIR and RELEASEDIR: then there is nothing but READDIR with
 * a node and a position, and no open directory takes a descriptor or has to be brought over the
 * death of a worker.
 */
#ifndef SHMAPFS_READDIR_POLICY_H
#define SHMAPFS_READDIR_POLICY_H

#include "fs/inode/volume.h"

/* Decides both, once the areas and the state are there: completes them. Returns 0 or a negative
 * errno. */
int readdir_policy_choose(struct volume *volume);

/* Returns the memfd of the records that streams of an area have; 0: they need none. */
int readdir_policy_records(struct volume *volume, unsigned area);

/* Returns whether the kernel may keep listings of an area's directories. */
bool readdir_policy_keeps(struct volume *volume, unsigned area);

#endif
