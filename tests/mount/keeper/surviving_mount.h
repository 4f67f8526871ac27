// SPDX-License-Identifier: BSD-2-Clause
/* A mount that survives the deaths of its workers; where it cannot, the case is skipped. */
#ifndef SHMAPFS_TESTS_SURVIVING_MOUNT_H
#define SHMAPFS_TESTS_SURVIVING_MOUNT_H

#include "tests/mount/survive/mount_status.h"
#include "tests/mount/workspace/workspace.h"

struct mount_status mount_status_of(const struct workspace *workspace);

/* Mounts, and makes the directory of the load. */
void mount_surviving(const struct workspace *workspace, bool with_store, const char *options);

/* Mounts the build that has points of failure, one of which an environment variable names. */
void mount_failing(struct workspace *workspace, const char *variable, const char *value,
                   void (*mount)(struct workspace *workspace));

#endif
