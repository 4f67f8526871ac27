// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors, of which the daemon has a limited number. */
#ifndef SHMAPFS_DESCRIPTORS_H
#define SHMAPFS_DESCRIPTORS_H

#include "fs/inode/volume.h"

/* After a call that takes a descriptor: whether it failed for want of one (-EMFILE) and some that
 * were only kept at hand are closed now, so that it is worth another try. If there were none, the
 * result becomes -ENFILE. */
bool descriptors_make_room(struct volume *volume, int *result);

/* A descriptor that is to be kept for as long as a client likes: not one of the last, without which
 * nothing could be removed or looked at any more. Returns it, or closes it and returns -EMFILE. */
int descriptors_not_last(const struct volume *volume, int fd);
bool descriptors_is_last(const struct volume *volume, int fd);

#endif
