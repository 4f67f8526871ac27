// SPDX-License-Identifier: BSD-2-Clause
/* The node table: which nodes are in it, and for how long. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "fs/nodes/node_slot.h"
#include "tests/unit/nodes/node_fixture.h"

#define CAPACITY 1000

static int set_up(void **state)
{
    return set_up_table(state, CAPACITY, CAPACITY);
}

static int set_up_large(void **state)
{
    return set_up_table(state, 300000, 300000);
}

static void the_first_node_is_the_root(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->root, NODE_ROOT_ID);
    assert_int_equal(nodes(f), 1);
    assert_int_equal(lookup(f, ROOT_INO), NODE_ROOT_ID);
    forget(f, NODE_ROOT_ID, 1000);
    assert_true(is_known(f, NODE_ROOT_ID));
}

static void one_key_is_one_node(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 10);
    assert_true(lookup(f, 10) == id);
    assert_int_equal(nodes(f), 2);
    assert_int_equal(f->ledger->outstanding, 2); /* the second lookup's descriptor was not needed */
}

/* Which takes no descriptor, and makes no node. */
static void a_known_node_is_looked_up_again(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    assert_false(node_claim_known(&f->table, NULL, &seed.key, &ref));
    assert_int_equal(nodes(f), 1);
    uint64_t id = lookup(f, 10);
    assert_true(node_claim_known(&f->table, NULL, &seed.key, &ref));
    assert_true(ref.id == id);
    end(f, &ref);
    forget(f, id, 1);
    assert_true(is_known(f, id));
    forget(f, id, 1);
    assert_false(is_known(f, id));
}

static void each_part_of_the_key_tells_nodes_apart(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10), born_later = seed_of(10), other_tree = seed_of(10);
    born_later.key.birth++;
    other_tree.key.tree++;
    uint64_t ids[] = { lookup_seed(f, &seed), lookup(f, 11), lookup_seed(f, &born_later),
                       lookup_seed(f, &other_tree) };
    for (size_t i = 0; i < COUNT(ids); i++) {
        for (size_t j = 0; j < i; j++)
            assert_true(ids[i] != ids[j]);
    }
    assert_true(lookup_seed(f, &born_later) == ids[2]);
    assert_true(lookup_seed(f, &other_tree) == ids[3]);
}

static void a_use_tells_what_the_lookup_knew(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(77);
    seed.key.tree = 1;
    seed.area = 1;
    seed.class = 2;
    seed.flags = NODE_MAYBE_MAPPED;
    uint64_t id = lookup_seed(f, &seed);
    struct node_ref by_id, by_key;
    assert_true(node_use(&f->table, id, &by_id));
    assert_true(node_use_key(&f->table, &seed.key, &by_key));
    assert_ptr_equal(by_id.node, by_key.node);
    assert_true(by_key.id == id);
    assert_int_equal(by_id.ino, 77);
    assert_int_equal(by_id.tree, 1);
    assert_int_equal(by_id.area, 1);
    assert_int_equal(by_id.class, 2);
    assert_int_equal(by_id.type, S_IFREG >> 12);
    assert_int_equal(by_id.flags, NODE_MAYBE_MAPPED);
    assert_true(ledger_is_given(f->ledger, by_id.held.path_fd));
    end(f, &by_id);
    end(f, &by_key);
}

static void a_node_lives_until_its_last_lookup_is_forgotten(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 10);
    lookup(f, 10);
    lookup(f, 10);
    forget(f, id, 2);
    assert_true(is_known(f, id));
    forget(f, id, 1);
    assert_false(is_known(f, id));
    assert_int_equal(nodes(f), 1);
    assert_int_equal(f->ledger->outstanding, 1);
}

static void forgetting_too_much_does_no_harm(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 10);
    forget(f, id, UINT64_MAX);
    forget(f, id, 1);
    forget(f, 0, 1);
    forget(f, UINT64_MAX, 1);
    assert_int_equal(nodes(f), 1);
    assert_false(is_known(f, id));
}

static void a_forgotten_id_never_names_the_next_node(void **state)
{
    struct fixture *f = *state;
    uint64_t ids[100];
    for (size_t i = 0; i < COUNT(ids); i++) {
        ids[i] = lookup(f, 10 + i);
        forget(f, ids[i], 1);
    }
    uint64_t last = lookup(f, 9999);
    for (size_t i = 0; i < COUNT(ids); i++) {
        assert_true(ids[i] != last);
        assert_false(is_known(f, ids[i]));
        for (size_t j = 0; j < i; j++)
            assert_true(ids[i] != ids[j]);
    }
}

static void made_up_ids_are_nobody(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 10);
    const uint64_t ids[] = {
        0,
        id + 1,
        CAPACITY,
        CAPACITY + 1,
        UINT32_MAX,
        UINT64_MAX,
        id | UINT64_C(1) << 32,
        NODE_ROOT_ID | UINT64_C(1) << 63,
    };
    for (size_t i = 0; i < COUNT(ids); i++)
        assert_false(is_known(f, ids[i]));
    struct node_ref ref;
    assert_false(node_use_key(&f->table, &(struct node_key){ .ino = 10, .birth = 2 }, &ref));
    assert_null(ref.node);
}

static void a_use_keeps_a_forgotten_node(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref first, second;
    assert_int_equal(claim(f, &seed, &first), 0);
    assert_true(node_use(&f->table, first.id, &second));
    forget(f, first.id, 1);
    end(f, &first);
    assert_int_equal(nodes(f), 2);
    assert_true(ledger_is_given(f->ledger, second.held.path_fd));
    end(f, &second);
    assert_int_equal(nodes(f), 1);
    assert_int_equal(f->ledger->outstanding, 1);
}

static void an_open_handle_keeps_a_forgotten_node(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    struct node_resources leftover;
    assert_int_equal(claim(f, &seed, &ref), 0);
    uint64_t id = ref.id;
    node_open(&f->table, NULL, &ref, false, 0, 0, false);
    assert_int_equal(node_table_counts(&f->table).opens, 1);
    forget(f, id, 1);
    end(f, &ref);
    assert_true(node_use(&f->table, id, &ref));
    node_close(&f->table, NULL, &ref, false, true, &leftover);
    dispose(f, &leftover);
    assert_int_equal(node_table_counts(&f->table).opens, 0);
    end(f, &ref);
    assert_false(is_known(f, id));
    assert_int_equal(f->ledger->outstanding, 1);
}

static void an_unlinked_node_gives_its_key_away(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    uint64_t old = lookup(f, 10);
    assert_true(node_use(&f->table, old, &ref));
    node_unlinked(&f->table, &ref);
    node_unlinked(&f->table, &ref); /* says no more than once would */
    assert_false(node_use_key(&f->table, &seed.key, &(struct node_ref){ 0 }));
    uint64_t young = lookup(f, 10);
    assert_true(old != young);
    assert_true(is_known(f, old));
    end(f, &ref);
    forget(f, old, 1);
    assert_false(is_known(f, old));
    assert_true(lookup(f, 10) == young); /* freeing the old one has not touched it */
}

static void a_full_table_says_so_and_recovers(void **state)
{
    struct fixture *f = *state;
    uint64_t first = lookup(f, 100);
    for (uint64_t ino = 101; nodes(f) < CAPACITY; ino++)
        lookup(f, ino);
    struct node_seed seed = seed_of(5000);
    struct node_ref ref;
    int outstanding = f->ledger->outstanding;
    assert_int_equal(claim(f, &seed, &ref), -ENFILE);
    assert_int_equal(f->ledger->outstanding, outstanding);
    assert_true(lookup(f, 100) == first); /* who is in the table is still found */
    forget(f, first, 2);
    assert_int_equal(claim(f, &seed, &ref), 0);
    end(f, &ref);
}

static void trees_with_the_same_numbers_are_told_apart(void **state)
{
    struct fixture *f = *state;
    enum { FILES = 100000 };
    for (uint64_t ino = 10; ino < 10 + FILES; ino++) {
        struct node_seed seed = seed_of(ino);
        lookup_seed(f, &seed);
        seed.key.tree = 1;
        lookup_seed(f, &seed);
    }
    assert_int_equal(nodes(f), 2 * FILES + 1);
}

/* The most nodes that a lookup has to pass: how well the hash spreads, and whether it grew. */
static unsigned longest_chain(struct fixture *f)
{
    const struct node_header *header = f->table.header;
    unsigned longest = 0;
    for (uint32_t bucket = 0; bucket <= header->mask + header->split; bucket++) {
        unsigned length = 0;
        for (uint32_t slot = word_slot(f->table.buckets[bucket]); slot;
             slot = f->table.slots[slot].next)
            length++;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Inode numbers as filesystems hand them out: one after the other, or in strides. */
static void check_many(struct fixture *f, uint64_t stride)
{
    enum { MANY = 250000 };
    uint64_t *ids = calloc(MANY, sizeof(*ids));
    assert_non_null(ids);
    for (uint64_t i = 0; i < MANY; i++)
        ids[i] = lookup(f, 1000 + i * stride);
    assert_int_equal(nodes(f), MANY + 1);
    assert_in_range(longest_chain(f), 1, 20);
    for (uint64_t i = 0; i < MANY; i++)
        assert_true(lookup(f, 1000 + i * stride) == ids[i]);
    for (uint64_t i = 0; i < MANY; i += 2) /* holes in every chain */
        forget(f, ids[i], 2);
    for (uint64_t i = 0; i < MANY; i++)
        assert_int_equal(is_known(f, ids[i]), i % 2);
    for (uint64_t i = 1; i < MANY; i += 2)
        forget(f, ids[i], 2);
    assert_int_equal(nodes(f), 1);
    assert_int_equal(f->ledger->outstanding, 1);
    free(ids);
}

static void many_nodes_are_found_while_the_table_grows(void **state)
{
    check_many(*state, 1);
}

static void many_nodes_in_strides_are_found(void **state)
{
    check_many(*state, 4096);
}

static void flags_are_set_and_cleared_together(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    assert_int_equal(claim(f, &seed, &ref), 0);
    assert_int_equal(node_flags(&f->table, &ref, NODE_ATTR_CACHED, 0), 0);
    assert_int_equal(node_flags(&f->table, &ref, NODE_MAYBE_MAPPED, NODE_ATTR_CACHED),
                     NODE_ATTR_CACHED);
    assert_int_equal(node_flags(&f->table, &ref, 0, 0), NODE_MAYBE_MAPPED);
    end(f, &ref);
}

static void a_writer_or_a_flag_stops_flags_from_being_set(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    struct node_resources leftover;
    assert_int_equal(claim(f, &seed, &ref), 0);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    assert_false(node_flags_unless_writers(&f->table, &ref, NODE_ATTR_CACHED, 0));
    node_close(&f->table, NULL, &ref, true, false, &leftover);
    node_flags(&f->table, &ref, NODE_MAYBE_MAPPED, 0);
    assert_false(node_flags_unless_writers(&f->table, &ref, NODE_ATTR_CACHED, NODE_MAYBE_MAPPED));
    assert_int_equal(node_flags(&f->table, &ref, 0, NODE_MAYBE_MAPPED), NODE_MAYBE_MAPPED);
    node_open(&f->table, NULL, &ref, false, 0, 0, false); /* a reader stops nothing */
    assert_true(node_flags_unless_writers(&f->table, &ref, NODE_ATTR_CACHED, NODE_MAYBE_MAPPED));
    assert_int_equal(node_flags(&f->table, &ref, 0, 0), NODE_ATTR_CACHED);
    node_close(&f->table, NULL, &ref, false, false, &leftover);
    end(f, &ref);
}

static void open_in_turn(struct fixture *f, uint64_t ino, bool writer)
{
    struct node_seed seed = seed_of(ino);
    struct node_ref ref;
    assert_int_equal(claim(f, &seed, &ref), 0);
    node_open(&f->table, NULL, &ref, writer, 0, 0, false);
    end(f, &ref);
}

/* Also where there are many others in between. */
static void nodes_that_are_open_for_writing_are_found(void **state)
{
    enum { OTHERS = 5000 };
    struct fixture *f = *state;
    uint32_t slot = 0;
    assert_true(node_next_writer(&f->table, &slot) == 0);
    open_in_turn(f, 10, true);
    open_in_turn(f, 11, false);
    for (uint64_t i = 0; i < OTHERS; i++)
        lookup(f, 1000 + i);
    open_in_turn(f, 12, true);
    slot = 0;
    assert_true(node_next_writer(&f->table, &slot) == lookup(f, 10));
    assert_true(node_next_writer(&f->table, &slot) == lookup(f, 12));
    assert_true(node_next_writer(&f->table, &slot) == 0);
    assert_true(node_next_writer(&f->table, &slot) == 0);
}

/* A node for which a cache keeps something may be mapped, although it is not open any more. */
static void nodes_that_may_be_used_are_found(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(11);
    struct node_resources leftover;
    struct node_ref ref;
    uint32_t slot = 0;
    lookup(f, 9);
    open_in_turn(f, 10, false);
    assert_int_equal(claim(f, &seed, &ref), 0);
    node_open(&f->table, NULL, &ref, false, 0, 0, false);
    node_set_backing(&f->table, &ref, 1);
    node_close(&f->table, NULL, &ref, false, false, &leftover);
    end(f, &ref);
    seed = seed_of(12);
    assert_int_equal(claim(f, &seed, &ref), 0);
    node_flags(&f->table, &ref, NODE_MAYBE_MAPPED, 0);
    end(f, &ref);
    for (uint64_t ino = 10; ino <= 12; ino++)
        assert_true(node_next_used(&f->table, &slot) == lookup(f, ino));
    assert_true(node_next_used(&f->table, &slot) == 0);
}

#define LARGE_TEST(function) cmocka_unit_test_setup_teardown(function, set_up_large, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_node_is_the_root),
        TEST(one_key_is_one_node),
        TEST(a_known_node_is_looked_up_again),
        TEST(each_part_of_the_key_tells_nodes_apart),
        TEST(a_use_tells_what_the_lookup_knew),
        TEST(a_node_lives_until_its_last_lookup_is_forgotten),
        TEST(forgetting_too_much_does_no_harm),
        TEST(a_forgotten_id_never_names_the_next_node),
        TEST(made_up_ids_are_nobody),
        TEST(a_use_keeps_a_forgotten_node),
        TEST(an_open_handle_keeps_a_forgotten_node),
        TEST(an_unlinked_node_gives_its_key_away),
        TEST(a_full_table_says_so_and_recovers),
        LARGE_TEST(trees_with_the_same_numbers_are_told_apart),
        LARGE_TEST(many_nodes_are_found_while_the_table_grows),
        LARGE_TEST(many_nodes_in_strides_are_found),
        TEST(flags_are_set_and_cleared_together),
        TEST(a_writer_or_a_flag_stops_flags_from_being_set),
        LARGE_TEST(nodes_that_are_open_for_writing_are_found),
        LARGE_TEST(nodes_that_may_be_used_are_found),
    };
    return cmocka_run_group_tests_name("node", tests, NULL, NULL);
}
