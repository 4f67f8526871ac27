// SPDX-License-Identifier: BSD-2-Clause
/* Mount points: where a mount may be put, and how it is taken away again. */
#ifndef SHMAPFS_MOUNTPOINT_H
#define SHMAPFS_MOUNTPOINT_H

#include <limits.h>
#include <stdbool.h>

#include "fs/state/state.h"
#include "lib/sys/complaint.h"

/* Checks that a directory can be mounted on; `resolved` receives its absolute path without
 * symlinks. */
int mountpoint_check(const char *path, char resolved[PATH_MAX], struct complaint *complaint);

/* Checks that neither of a store and a mount point, both resolved, contains the other. */
int mountpoint_check_store(const char *mountpoint, const char *store, struct complaint *complaint);

/* Takes the mount out of sight and starts bringing what its page cache holds back to the daemon,
 * which must be serving meanwhile. Processes with open files keep them until the daemon ends.
 * Returns a descriptor of the mount's root, or -1: the mount was not there. */
int mountpoint_detach(const struct mount_info *info);

/* Takes a mount that nobody serves out of sight. */
void mountpoint_take_away(const struct mount_info *info);

/* Finds where a mount is now, if it can be reached by its path. */
bool mountpoint_find(const struct mount_info *info, char where[PATH_MAX]);

/* Says why a mount that was unmounted here lives on, and that the end of a process would end it:
 * another mount namespace has it, or processes use its files, if the caller says that they do.
 * Returns whether there was something to say. */
bool mountpoint_tell_holders(const struct mount_info *info, pid_t process, bool used);

/* Notes by what the mount at a path can be found again: its id and its filesystem's device number,
 * which a later mount gets as soon as this one has gone, and the low bytes of an id that none ever
 * gets, since Linux 6.8. */
void mountpoint_identify(const char *path, struct mount_info *info);

#endif
