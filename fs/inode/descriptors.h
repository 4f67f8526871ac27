// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors, of which the daemon has a limited number: how it gets by with them. */
#ifndef SHMAPFS_DESCRIPTORS_H
#define SHMAPFS_DESCRIPTORS_H

#include "fs/inode/volume.h"

/* Makes room after a call that failed for want of a descriptor (*result is -EMFILE): closes some
 * that are only kept at hand. Returns whether the call is worth another try. If nothing could be
 * closed, *result becomes -ENFILE. */
bool descriptors_make_room(struct volume *volume, int *result);

/* Refuses one of the last descriptors to a use that lasts as long as a client likes: without the
 * last ones nothing could be removed or looked at any more. Returns the descriptor, or closes it
 * and returns -EMFILE. */
int descriptors_not_last(const struct volume *volume, int fd);
bool descriptors_is_last(const struct volume *volume, int fd);

#endif
