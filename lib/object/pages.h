// SPDX-License-Identifier: BSD-2-Clause
/* Which pages of an object are in memory, and how the attribute SHMAP_XATTR_PAGES tells it. */
#ifndef SHMAP_PAGES_H
#define SHMAP_PAGES_H

#include <stdbool.h>

#include "lib/api/shmap.h"

/* Counts the pages behind a descriptor (not O_PATH) in the page cache of its filesystem. Returns 0
 * or a negative errno; -ENODATA: this kernel or filesystem cannot tell; -EPERM: who asks may not
 * know. */
int pages_count(int fd, struct shmap_pages *pages);

/* The attribute's value, for free(); NULL: out of memory. Without `passthrough` the mount's own
 * page cache has to be added to the numbers. */
char *pages_to_text(const struct shmap_pages *pages, bool passthrough);

/* The reverse. Later words are passed over; -EPROTO: not such a text. */
int pages_from_text(const char *text, struct shmap_pages *pages, bool *passthrough);

#endif
