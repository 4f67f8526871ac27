// SPDX-License-Identifier: BSD-2-Clause
/* Arrays that grow. */
#ifndef SHMAPCTL_ARRAY_H
#define SHMAPCTL_ARRAY_H

#include <err.h>
#include <stdlib.h>

/* An array of `count` elements of that size with room for one more, at its old place or another;
 * NULL is one of none. It is to grow one by one, and only so: the room doubles at powers of two. */
static inline void *array_grow(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    void *larger = reallocarray(array, count == 0 ? 1 : 2 * count, size);
    if (larger == NULL)
        err(EXIT_FAILURE, NULL);
    return larger;
}

#endif
