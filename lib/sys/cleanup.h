// SPDX-License-Identifier: BSD-2-Clause
/*
 * Cleanup attributes: a function gives back what it holds on every way out.
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

/* Returns a descriptor that the variable then no longer owns. */
static inline int steal_fd(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

#define CLEANUP_FD   __attribute__((cleanup(cleanup_fd)))
#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))

#endif
