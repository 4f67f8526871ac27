// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors, of which the daemon has a limited number: how it gets by with them. */
#ifndef SHMAPFS_DESCRIPTORS_H
#define SHMAPFS_DESCRIPTORS_H

#include "fs/inode/volume.h"

/* Makes room after a call that failed for want of a descriptor (*result is -EMFILE): closes some
 * that are only kept at hand. Returns whether the call is worth another try. If nothing could be
 * closed, *result becomes -ENFILE. */
bool descriptors_make_room(struct volume *volume, int *result);

/* Does the same for a caller that holds no lock; if nothing could be closed, waits for orphans to
 * go (orphans.h). After a call that did get a descriptor, but one of few that are left, closes and
 * waits as well, and returns false: the rest is for requests that come when too many wait.
 * `*since` is 0 before the first call; it bounds how long a call is tried again. */
bool descriptors_await_room(struct volume *volume, int *result, uint64_t *since);

/* Refuses one of the last descriptors to a use that lasts as long as a client likes: without the
 * last ones nothing could be removed or looked at any more. Returns the descriptor, or closes it
 * and returns -EMFILE. */
int descriptors_not_last(const struct volume *volume, int fd);
bool descriptors_is_last(const struct volume *volume, int fd);

/* Returns how many descriptors there are without the last ones. */
int descriptors_for_clients(const struct volume *volume);

#endif
