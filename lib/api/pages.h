// SPDX-License-Identifier: BSD-2-Clause
/* The pages of an object that are in memory, and the text of the attribute SHMAP_XATTR_PAGES. */
#ifndef SHMAP_PAGES_H
#define SHMAP_PAGES_H

#include <stdbool.h>

#include "lib/api/shmap.h"

/* Counts the pages behind a descriptor (not O_PATH) in the page cache of its filesystem. Returns 0
 * or a negative errno; -ENODATA: this kernel or filesystem cannot tell; -EPERM: the caller may not
 * know. */
int pages_count(int fd, struct shmap_pages *pages);

/* Counts those of a part of it, which a length of 0 lets reach to the end. */
int pages_count_range(int fd, uint64_t offset, uint64_t length, struct shmap_pages *pages);

/* Returns the attribute's value, for free(); NULL: out of memory. Without `passthrough` the reader
 * has to add the mount's own page cache to the numbers. */
char *pages_to_text(const struct shmap_pages *pages, bool passthrough);

/* Does the reverse, and passes over further words. Returns 0; -EPROTO: it is not such a text. */
int pages_from_text(const char *text, struct shmap_pages *pages, bool *passthrough);

#endif
