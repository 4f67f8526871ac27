// SPDX-License-Identifier: BSD-2-Clause
/* A whole tree as text, a line for each name. */
#ifndef SHMAPFS_TESTS_FUZZ_TREE_TEXT_H
#define SHMAPFS_TESTS_FUZZ_TREE_TEXT_H

#include "tests/mount/fuzz/limits.h"

/* Everything at and below the directory: names, attributes, targets, contents, extended attributes.
 * Files that the caller may not read get other permissions, after those were written down. For
 * free(); NULL with errno. */
char *tree_text(const struct fuzz_place *place, const char *directory);

#endif
