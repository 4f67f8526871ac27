// SPDX-License-Identifier: BSD-2-Clause
/* The directories of anon= and scratch= when a mount changes. */
#ifndef SHMAPFS_REMOUNT_ANON_H
#define SHMAPFS_REMOUNT_ANON_H

#include <stdbool.h>

#include "lib/api/shmap.h"
#include "lib/sys/complaint.h"

/* Checks that names which are given for a class are in force in a mount, whose status this is.
 * `read_only`: it is so far, and what is there may have another class. */
int remount_anon_check(const char *given, enum shmap_class of, const struct shmap_status *status,
                       bool read_only, struct complaint *complaint);

/* Gives directories the limits that follow their names, where they have others. */
int remount_anon_limit(const char *given, enum shmap_class of, const struct shmap_status *status,
                       struct complaint *complaint);

/* Checks that none of the names of a mount would be persistent when it becomes writable. */
int remount_anon_check_writable(const struct shmap_status *status, struct complaint *complaint);

/* Has the directories keep skeletons, if the mount is to, after it became writable. */
void remount_anon_mark(const struct shmap_status *status);

#endif
