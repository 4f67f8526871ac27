// SPDX-License-Identifier: BSD-2-Clause
/* A small disk of a case's own: an ext4 filesystem on a loop device over an image in a tmpfs. Only
 * root has one. */
#ifndef SHMAPFS_TESTS_DISK_H
#define SHMAPFS_TESTS_DISK_H

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/workspace/workspace.h"

/* Makes a disk of so many MiB and mounts it on workspace->store, open to every user. mkfs_options
 * and mount_options are one word each; "" for none. Skips the case where the machine has no loop
 * devices, or its kernel none of the quotas that mount_options name. */
void disk_make(const struct workspace *workspace, unsigned mebibytes, const char *mkfs_options,
               const char *mount_options);

/* Lets every block fail from now on that was never written; and takes that back. */
void disk_break(const struct workspace *workspace);
void disk_repair(const struct workspace *workspace);

/* Freezes the disk: whatever would change it waits, and nobody can end who waits. The other process
 * thaws it when it is told, at the end of the case, or when that takes too long. */
void disk_freeze(struct coprocess *thawer);
void disk_thaw(struct coprocess *thawer);

void disk_remove(const struct workspace *workspace);

#endif
