// SPDX-License-Identifier: BSD-2-Clause
/* Attributes that must be the same in both worlds, as text. */
#ifndef SHMAPFS_TESTS_FUZZ_ATTR_TEXT_H
#define SHMAPFS_TESTS_FUZZ_ATTR_TEXT_H

#include "tests/mount/fuzz/limits.h"

#include <stddef.h>
#include <sys/stat.h>

/* Of times, it says those that somebody set; all that the clock gave are «now». The size of a
 * directory is its filesystem's own matter, and so are blocks, whose number depends on what was
 * free. */
void attr_text(const struct fuzz_place *place, const struct stat *attr, char *text, size_t size);

/* Sorts the names of extended attributes, `count` bytes with a NUL behind each, and leaves out
 * those by which a mount tells of itself. Returns how many bytes are left. */
size_t sort_xattr_names(char *names, size_t count);

#endif
