// SPDX-License-Identifier: BSD-2-Clause
/*
 * Cleanup attributes: what a function holds is given back on every way out of it.
 */
#ifndef SHMAP_CLEANUP_H
#define SHMAP_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

/* Hands a descriptor on: the variable no longer owns it. */
static inline int steal_fd(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

#define CLEANUP_FD   __attribute__((cleanup(cleanup_fd)))
#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))

#endif
