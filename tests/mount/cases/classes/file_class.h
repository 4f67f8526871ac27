// SPDX-License-Identifier: BSD-2-Clause
/* Single files that have, or get, a class of their own. */
#ifndef SHMAPFS_TESTS_FILE_CLASS_H
#define SHMAPFS_TESTS_FILE_CLASS_H

#include <stdbool.h>

/* Asserts the class that a file is to get when nobody uses it; NULL: it stays what it is. */
void assert_next_class(const char *path, const char *class);

/* Waits until a file has a class: a RELEASE comes after its close. */
void await_file_class(const char *path, const char *class);

/* Returns whether a file of the store has a class of its own. */
bool has_own_class(const char *path);

/* Waits until it has none: the mark goes when the class has changed already. */
void await_no_own_class(const char *path);

#endif
