// SPDX-License-Identifier: BSD-2-Clause
/* A directory that is converted, and whether all of it is there. */
#ifndef SHMAPFS_TESTS_CONVERT_TREE_H
#define SHMAPFS_TESTS_CONVERT_TREE_H

#include "tests/mount/workspace/workspace.h"

/* Makes mnt/tree, with files of every kind that the user can make. */
void make_tree(void);

/* Describes all that is in a directory: names, kinds, modes, owners, times, links and contents. For
 * free(). */
char *describe_tree(const char *path);

/* The entries of mnt itself, in order, each followed by a blank. */
char *names_in_mount(void);

struct program_result convert(const char *path, const char *class);

#endif
