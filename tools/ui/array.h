// SPDX-License-Identifier: BSD-2-Clause
/* Arrays that grow, and are sorted. */
#ifndef SHMAPCTL_ARRAY_H
#define SHMAPCTL_ARRAY_H

#include <err.h>
#include <stdint.h>
#include <stdlib.h>

/* Returns an array of `count` elements of `size` bytes with room for one more, at its old place or
 * another. NULL is an array of none. It grows one by one, and only so: the room doubles at powers
 * of two. */
static inline void *array_grow(void *array, size_t count, size_t size)
{
    void *larger;

    if ((count & (count - 1)) != 0)
        return array;
    larger = reallocarray(array, count == 0 ? 1 : 2 * count, size);
    if (!larger)
        err(EXIT_FAILURE, NULL);
    return larger;
}

/* Compares numbers for qsort(3) and bsearch(3), or structures by a number that comes first. */
static inline int array_compare(const void *one, const void *other)
{
    const uint64_t *a = one, *b = other;

    return (*a > *b) - (*a < *b);
}

#endif
