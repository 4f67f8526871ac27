// SPDX-License-Identifier: BSD-2-Clause
/* Nodes that the daemon keeps of its own accord, or searches for. */
#include "fs/nodes/node_search.h"
#include "tests/unit/nodes/small_cache.h"

#include <fcntl.h>

static void let_go(struct fixture *f, uint64_t id)
{
    struct node_resources leftover;
    node_let_go(&f->table, id, &leftover);
    dispose(f, &leftover);
}

/* A lookup of the daemon itself, which stays in use. */
static void use_object(struct fixture *f, uint64_t ino, struct node_ref *ref)
{
    struct node_seed seed = seed_of(ino);
    struct node_resources leftover[2];
    assert_int_equal(node_use_object(&f->table, &seed, ledger_give(f->ledger), ref, leftover), 0);
    dispose(f, &leftover[0]);
    dispose(f, &leftover[1]);
}

static void a_kept_node_outlives_the_kernels_interest(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 7);
    struct node_ref ref;
    assert_true(node_use(&f->table, id, &ref));
    node_keep(&f->table, &ref);
    end(f, &ref);
    forget(f, id, 1);
    assert_true(is_known(f, id));
    /* The kernel finds the same one again. */
    assert_true(lookup(f, 7) == id);
    let_go(f, id);
    assert_true(is_known(f, id));
    forget(f, id, 1);
    assert_false(is_known(f, id));
}

static void a_node_that_is_let_go_goes_at_once(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 7), before = nodes(f);
    struct node_ref ref;
    assert_true(node_use(&f->table, id, &ref));
    node_keep(&f->table, &ref);
    end(f, &ref);
    forget(f, id, 1);
    let_go(f, id);
    assert_false(is_known(f, id));
    assert_int_equal(nodes(f), before - 1);
    let_go(f, id); /* there is no such node */
}

static void what_the_daemon_finds_counts_no_lookup(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    use_object(f, 7, &ref);
    uint64_t id = ref.id;
    end(f, &ref);
    assert_false(is_known(f, id));
    id = lookup(f, 7);
    use_object(f, 7, &ref);
    assert_true(ref.id == id);
    end(f, &ref);
    forget(f, id, 1);
    assert_false(is_known(f, id));
}

static void a_kept_node_pins_no_descriptor(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    for (uint64_t ino = 10; ino < 10 + 4 * CACHED_MAX; ino++) {
        use_object(f, ino, &ref);
        node_keep(&f->table, &ref);
        end(f, &ref);
    }
    assert_in_range(node_table_counts(&f->table).descriptors, 1, CACHED_MAX + 1);
}

static void class_roots_are_found_among_all(void **state)
{
    struct fixture *f = *state;
    uint64_t root = 0, plain = 0;
    uint32_t slot = 0, found = 0;
    struct node_ref ref;
    for (uint64_t ino = 10; ino < 20; ino++)
        plain = lookup(f, ino);
    root = lookup(f, 20);
    assert_true(node_use(&f->table, root, &ref));
    node_become_class_root(&f->table, &ref, 1, 1, open("/dev/null", O_RDONLY | O_CLOEXEC));
    end(f, &ref);
    assert_true(node_is_class_root(&f->table, root));
    assert_false(node_is_class_root(&f->table, plain));
    assert_true(node_next_class_root(&f->table, &slot) == root);
    assert_true(node_next_class_root(&f->table, &slot) == 0);
    for (slot = 0; node_next_in_area(&f->table, 1, &slot) != 0;)
        found++;
    assert_int_equal(found, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_kept_node_outlives_the_kernels_interest), TEST(a_node_that_is_let_go_goes_at_once),
        TEST(what_the_daemon_finds_counts_no_lookup),    TEST(a_kept_node_pins_no_descriptor),
        TEST(class_roots_are_found_among_all),
    };
    return cmocka_run_group_tests_name("node_keep", tests, NULL, NULL);
}
