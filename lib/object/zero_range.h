// SPDX-License-Identifier: BSD-2-Clause
#ifndef SHMAP_ZERO_RANGE_H
#define SHMAP_ZERO_RANGE_H

#include <sys/types.h>

/* Does what FALLOC_FL_ZERO_RANGE of fallocate(2) does where a filesystem does not know it.
 * `keep_size` is FALLOC_FL_KEEP_SIZE or 0. It can be done again from the start. The space comes
 * first: where there is too little, nothing has changed. Returns 0 or a negative errno. */
int object_zero_range(int fd, int keep_size, off_t offset, off_t length);

#endif
