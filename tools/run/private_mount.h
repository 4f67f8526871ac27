// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mount of a run, as its shmapctl sees it from inside.
 */
#ifndef SHMAPCTL_PRIVATE_MOUNT_H
#define SHMAPCTL_PRIVATE_MOUNT_H

#include <stdbool.h>

/* Returns whether a path is at or below the mount; both are absolute and without symlinks. */
bool private_mount_hides(const char *mountpoint, const char *path);

/* Says which area is full, if one is and SIGBUS has ended the command, as waitpid(2) tells that in
 * `status`. */
void private_mount_report_full(const char *mountpoint, int status);

/* Unmounts, or names the processes that go on using what is there. */
void private_mount_end(const char *mountpoint);

#endif
