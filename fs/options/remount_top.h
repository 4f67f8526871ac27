// SPDX-License-Identifier: BSD-2-Clause
/* The mode and the owner of the directories that a mount makes when it begins, in a remount. */
#ifndef SHMAPFS_REMOUNT_TOP_H
#define SHMAPFS_REMOUNT_TOP_H

#include "lib/api/shmap.h"
#include "lib/area/area.h"
#include "lib/sys/complaint.h"

/* Checks a word of mode=, uid= or gid=, whose value `ram` has: it is as the mount began, or as its
 * root is now. `shown` are the options of the mount table. Returns 0, or a negative errno with a
 * complaint. */
int remount_top_check(const struct ram_options *ram, const char *word,
                      const struct shmap_status *status, const char *shown,
                      struct complaint *complaint);

#endif
