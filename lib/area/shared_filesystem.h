// SPDX-License-Identifier: BSD-2-Clause
/* The filesystems that several hosts can reach at a time. */
#ifndef SHMAP_SHARED_FILESYSTEM_H
#define SHMAP_SHARED_FILESYSTEM_H

#include <stdbool.h>

/* Returns whether other hosts may reach what is on a filesystem, by its type in the mount table. A
 * FUSE filesystem that is not known to be of one host counts as one of several. */
bool filesystem_is_shared(const char *type);

#endif
