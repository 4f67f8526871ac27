// SPDX-License-Identifier: BSD-2-Clause
/* The attributes of a directory that another one is to have. */
#ifndef SHMAP_ATTRIBUTES_H
#define SHMAP_ATTRIBUTES_H

#include <sys/stat.h>

/* Gives a directory the owner, the mode, the ACLs and the other extended attributes of another one,
 * and takes away what that one has not. Bits of `besides` are added to the mode. Attributes of
 * shmapfs or a security module stay as they are; any that a filesystem lacks are left out.
 * Flags, as `chattr` has them, need descriptors without O_PATH. Returns 0 or a negative errno;
 * -EPERM: the directory has neither that owner nor the daemon as its owner, and is left alone. */
int attributes_copy(int from, int to, mode_t besides);

#endif
