// SPDX-License-Identifier: BSD-2-Clause
/* A node table that keeps few descriptors, so that a test can come to their bound. */
#ifndef SMALL_CACHE_H
#define SMALL_CACHE_H

#include "tests/unit/nodes/node_fixture.h"

#define CACHED_MAX 10

static inline int set_up(void **state)
{
    return set_up_table(state, 1000, CACHED_MAX);
}

static inline void close_handle(struct fixture *f, struct node_ref *ref, bool writer,
                                bool readers_need_io)
{
    struct node_resources leftover;
    node_close(&f->table, NULL, ref, writer, readers_need_io, &leftover);
    dispose(f, &leftover);
}

static inline void unlinked(struct fixture *f, struct node_ref *ref)
{
    node_unlinked(&f->table, ref);
}

#endif
