// SPDX-License-Identifier: BSD-2-Clause
/*
 * The records of the hosts that have a store on a filesystem of several.
 *
 * Each mount has a file in the store's private directory that says which host it is of. It is
 * locked for as long as the mount lives, so that a record whose host has died counts for nothing,
 * wherever locks of the filesystem hold.
 */
#ifndef SHMAP_HOST_RECORD_H
#define SHMAP_HOST_RECORD_H

#include "lib/api/shmap_hosts.h"
#include "lib/area/area.h"

/* Makes the record of a mount, and removes those whose mounts have gone. Returns a descriptor, with
 * which the record lives, or a negative errno. */
int host_record_make(const struct area *store, const struct shmap_host *host);

/* Removes the record of a mount; -1: it has none. The next mount of the same place may have made
 * its own already, which stays. */
void host_record_remove(const struct area *store, int record);

/* Reads the records of mounts that live, for free(). `record` is the descriptor of the asking
 * mount's own. If it is -1, the host and the mount point in `own` tell which one that is; a mount
 * that is about to end may have the same. Returns 0 or a negative errno. */
int host_records_read(const struct area *store, const struct shmap_host *own, int record,
                      struct shmap_host **hosts, size_t *count);

/* Fills in what there is to say of this host: its name, and the time. */
void host_record_fill(struct shmap_host *host);

#endif
