// SPDX-License-Identifier: BSD-2-Clause
/* A node table with its root, and what the kernel and requests do to it. */
#ifndef NODE_FIXTURE_H
#define NODE_FIXTURE_H

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "fs/nodes/node_table.h"
#include "tests/unit/nodes/ledger.h"

#define ROOT_INO 2

struct fixture {
    struct node_table table;
    struct ledger *ledger;
    uint64_t root;
};

static inline struct node_seed seed_of(uint64_t ino)
{
    return (struct node_seed){
        .key = { .ino = ino, .birth = 1 },
        .handle = { .type = 1, .length = 8, .bytes = { (uint8_t)ino, (uint8_t)(ino >> 8) } },
        .type = S_IFREG >> 12,
    };
}

static inline void not_corrupt(void *argument, const char *what)
{
    (void)argument;
    fail_msg("corrupt: %s", what);
}

/* Closes what a call has left over. */
static inline void dispose(struct fixture *f, const struct node_resources *leftover)
{
    ledger_dispose(f->ledger, leftover);
    if (leftover->backing_id != 0)
        node_backing_closed(&f->table, leftover->backing_id);
    if (leftover->orphan)
        node_orphan_gone(&f->table);
}

/* A lookup that stays in use. */
static inline int claim(struct fixture *f, const struct node_seed *seed, struct node_ref *ref)
{
    struct node_resources leftover[2];
    int error = node_claim(&f->table, NULL, seed, ledger_give(f->ledger), ref, leftover);
    dispose(f, &leftover[0]);
    dispose(f, &leftover[1]);
    return error;
}

static inline void end(struct fixture *f, struct node_ref *ref)
{
    struct node_resources leftover;
    node_end(&f->table, ref, &leftover);
    dispose(f, &leftover);
}

static inline void forget(struct fixture *f, uint64_t id, uint64_t lookups)
{
    struct node_resources leftover;
    node_forget(&f->table, NULL, id, lookups, &leftover);
    dispose(f, &leftover);
}

/* A lookup as the kernel makes it; returns the id. */
static inline uint64_t lookup_seed(struct fixture *f, const struct node_seed *seed)
{
    struct node_ref ref;
    assert_int_equal(claim(f, seed, &ref), 0);
    uint64_t id = ref.id;
    end(f, &ref);
    return id;
}

static inline uint64_t lookup(struct fixture *f, uint64_t ino)
{
    struct node_seed seed = seed_of(ino);
    return lookup_seed(f, &seed);
}

static inline bool is_known(struct fixture *f, uint64_t id)
{
    struct node_ref ref;
    bool known = node_use(&f->table, id, &ref);
    if (known) {
        assert_true(ref.id == id);
        end(f, &ref);
    }
    return known;
}

static inline uint64_t nodes(struct fixture *f)
{
    return node_table_counts(&f->table).nodes;
}

static inline int set_up_table(void **state, uint32_t capacity, uint32_t cached_max)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->ledger = ledger_new();
    f->table.corrupt = not_corrupt;
    assert_int_equal(node_table_create(&f->table, capacity, cached_max), 0);
    struct node_seed root = seed_of(ROOT_INO);
    root.handle.length = 0; /* so that its descriptor stays, and tests can count the others */
    f->root = lookup_seed(f, &root);
    *state = f;
    return 0;
}

/* Each number came back at most once, whatever a test did. */
static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    int mistakes = f->ledger->mistakes;
    node_table_destroy(&f->table);
    free(f->ledger);
    free(f);
    return mistakes;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
