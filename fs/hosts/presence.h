// SPDX-License-Identifier: BSD-2-Clause
/* The presence of this host among those that have a store, and the others'. */
#ifndef SHMAPFS_PRESENCE_H
#define SHMAPFS_PRESENCE_H

#include "fs/inode/volume.h"
#include "fs/options/options.h"

/* Records that this host has the store of a volume, whose lock was taken, where others could have
 * it. Returns the descriptor that the record lives with; -1: there is none, and no need for it, or
 * no way to make it. */
int presence_record(const struct volume *volume, const struct options *options);

/* Makes the record anew in a store that was opened anew. Returns the same. */
int presence_renew(const struct volume *volume, const struct area *store);

/* Takes a record back, by its descriptor; -1: there is none. */
void presence_forget(const struct volume *volume, int record);

/* Complains of another host that has the store, which is locked. Returns -EBUSY, or 0 without a
 * complaint if there is none. */
int presence_complain(const struct volume *volume, const struct options *options,
                      struct complaint *complaint);

/* Returns how many hosts have the store; 0: that is not known. It asks the store. */
unsigned presence_count(struct volume *volume);

/* Lists the hosts for the mount's owner and root, as shmap_hosts_to_json() does. */
int presence_list(struct volume *volume, char **value);

#endif
