// SPDX-License-Identifier: BSD-2-Clause
/* RAM areas that directories have for themselves, as any program sees and gives them. */
#ifndef SHMAPFS_TESTS_OWN_AREA_H
#define SHMAPFS_TESTS_OWN_AREA_H

#include "tests/mount/workspace/workspace.h"

/* Sets what shmap_area_set() takes, on a class root. Returns what setxattr(2) returns. */
int set_area(const char *path, const char *words);

/* Makes a directory anonymous that has an area for itself, with these words, from the start. */
void make_limited(const char *path, const char *words);

/* Asserts the words in force; NULL: there is no area. */
void assert_area(const char *path, const char *words);

/* Asserts the limit that a directory's filesystem shows, and returns how much of it is in use. */
uint64_t assert_limit(const char *path, uint64_t bytes);

/* Writes pages to a file until there is no room, and returns how many bytes there was room for. */
uint64_t fill_up(const char *path);

/* Returns the number of areas that the mount lists. */
size_t count_areas(const struct workspace *workspace);

#endif
