// SPDX-License-Identifier: BSD-2-Clause
/* The extents of a file that have data, with holes between them. */
#ifndef SHMAP_EXTENT_H
#define SHMAP_EXTENT_H

#include <sys/types.h>

/* Returns where data is next, from a place on that is below `end`; `end` where there is none.
 * All is data on a filesystem that knows no holes. */
off_t extent_next_data(int fd, off_t from, off_t end);

/* Returns where the data ends that is at a place below `end`. */
off_t extent_end(int fd, off_t from, off_t end);

#endif
