// SPDX-License-Identifier: BSD-2-Clause
/* The class attribute, as any program reads and sets it. */
#ifndef SHMAPFS_TESTS_CLASSES_H
#define SHMAPFS_TESTS_CLASSES_H

#include "tests/mount/harness/harness.h"

/* Returns what setxattr(2) returns. */
int set_class(const char *path, const char *class);

/* Returns what removexattr(2) returns. */
int unset_class(const char *path);

void assert_class(const char *path, const char *class);

/* A new directory, with a class of its own. */
void make_class_root(const char *path, const char *class);

#endif
