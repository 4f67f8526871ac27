// SPDX-License-Identifier: BSD-2-Clause
/* The directories below an anonymous directory, in the mount and in the store. */
#ifndef SHMAPFS_TESTS_SKELETON_H
#define SHMAPFS_TESTS_SKELETON_H

#include "tests/mount/workspace/workspace.h"

/* Has a directory keep its skeleton, or not; the result of setxattr(2). */
int keep_skeleton(const char *path, bool keep);

/* The directories below a path with their modes and owners, as a text of a line for
 * each. For free(). */
char *skeleton_of(const char *path);

/* Asserts that the store has the skeleton that the mount has, below a directory of this name. */
void assert_mirrored(const char *name);

/* Asserts that a path has this skeleton. */
void assert_skeleton(const char *path, const char *skeleton);

#endif
