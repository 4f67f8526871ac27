// SPDX-License-Identifier: BSD-2-Clause
/* The path descriptors that nodes hold: how many, for how long, and who gives them back. */
#include "tests/unit/nodes/small_cache.h"

#include <fcntl.h>
#include <unistd.h>

static bool holds_path(struct fixture *f, uint64_t id)
{
    struct node_ref ref;
    assert_true(node_use(&f->table, id, &ref));
    bool holds = ref.held.path_fd >= 0;
    if (holds)
        assert_true(ledger_is_given(f->ledger, ref.held.path_fd));
    end(f, &ref);
    return holds;
}

static void lend(struct fixture *f, struct node_ref *ref)
{
    struct node_resources leftover[2];
    node_lend_path(&f->table, ref, ledger_give(f->ledger), leftover);
    dispose(f, &leftover[0]);
    dispose(f, &leftover[1]);
}

static void descriptors_have_a_bound(void **state)
{
    struct fixture *f = *state;
    uint64_t ids[100];
    for (size_t i = 0; i < COUNT(ids); i++) {
        ids[i] = lookup(f, 10 + i);
        assert_true(f->ledger->outstanding <= CACHED_MAX + 1);
    }
    assert_int_equal(node_table_counts(&f->table).descriptors, f->ledger->outstanding);
    for (size_t i = 0; i < COUNT(ids); i++)
        forget(f, ids[i], 1);
    assert_int_equal(node_table_counts(&f->table).descriptors, f->ledger->outstanding);
}

static void the_one_unused_for_longest_goes_first(void **state)
{
    struct fixture *f = *state;
    uint64_t ids[CACHED_MAX];
    for (size_t i = 0; i < COUNT(ids); i++)
        ids[i] = lookup(f, 10 + i);
    for (size_t i = 0; i < COUNT(ids); i += 2)
        assert_true(holds_path(f, ids[i])); /* asking is a use */
    for (uint64_t i = 0; i < COUNT(ids) / 2; i++)
        lookup(f, 100 + i);
    for (size_t i = 0; i < COUNT(ids); i += 2)
        assert_true(holds_path(f, ids[i]));
    for (size_t i = 1; i < COUNT(ids); i += 2)
        assert_false(holds_path(f, ids[i]));
}

static void a_descriptor_in_use_is_not_taken(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    assert_int_equal(claim(f, &seed, &ref), 0);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 100 + i);
    assert_true(ledger_is_given(f->ledger, ref.held.path_fd));
    end(f, &ref);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 300 + i);
    assert_false(ledger_is_given(f->ledger, ref.held.path_fd));
}

static void uses_beyond_the_bound_are_made_up_for(void **state)
{
    struct fixture *f = *state;
    struct node_ref refs[3 * CACHED_MAX];
    for (size_t i = 0; i < COUNT(refs); i++) {
        struct node_seed seed = seed_of(10 + i);
        assert_int_equal(claim(f, &seed, &refs[i]), 0);
    }
    for (size_t i = 0; i < COUNT(refs); i++) {
        assert_true(ledger_is_given(f->ledger, refs[i].held.path_fd));
        end(f, &refs[i]);
    }
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 100 + i);
    assert_true(f->ledger->outstanding <= CACHED_MAX + 1);
}

static void a_node_without_a_handle_keeps_its_descriptor(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    seed.handle.length = 0;
    uint64_t id = lookup_seed(f, &seed);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 100 + i);
    assert_true(holds_path(f, id));
    forget(f, id, 1);
    assert_true(f->ledger->outstanding <= CACHED_MAX + 1);
}

static void an_unlinked_node_keeps_its_descriptor(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    assert_int_equal(claim(f, &seed, &ref), 0);
    uint64_t id = ref.id;
    unlinked(f, &ref);
    node_open(&f->table, NULL, &ref, false, 0, 0, false);
    close_handle(f, &ref, false, false); /* not even then may another take its place */
    end(f, &ref);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 100 + i);
    assert_true(holds_path(f, id));
}

/* A regular file without a name whose handle opens it all the same. Begins a use of it. */
static void claim_nameless(struct fixture *f, struct node_ref *ref)
{
    struct node_seed seed = seed_of(10);
    assert_int_equal(claim(f, &seed, ref), 0);
    node_flags(&f->table, ref, NODE_HANDLE_LASTS, 0);
    unlinked(f, ref);
}

static void a_nameless_node_keeps_the_last_that_it_holds(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_nameless(f, &ref);
    uint64_t id = ref.id;
    end(f, &ref);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 100 + i);
    assert_true(holds_path(f, id));
}

static void a_backing_id_keeps_a_nameless_node(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_nameless(f, &ref);
    uint64_t id = ref.id;
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    node_set_io(&f->table, &ref, ledger_give(f->ledger), NODE_IO_READABLE | NODE_IO_WRITABLE);
    node_set_backing(&f->table, &ref, 7);
    end(f, &ref);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 100 + i);
    assert_false(holds_path(f, id));
    assert_true(node_use(&f->table, id, &ref));
    assert_int_equal(ref.held.io_fd, -1);
    assert_int_equal(ref.held.backing_id, 7);
    // Not even the last close takes what alone keeps the object.
    close_handle(f, &ref, true, false);
    node_refresh(&f->table, &ref);
    assert_int_equal(ref.held.backing_id, 7);
    lend(f, &ref);
    end(f, &ref);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 300 + i);
    assert_true(node_use(&f->table, id, &ref));
    assert_int_equal(ref.held.backing_id, 7);
    end(f, &ref);
}

static void an_io_descriptor_keeps_a_nameless_node(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_nameless(f, &ref);
    uint64_t id = ref.id;
    node_open(&f->table, NULL, &ref, true, 0, 0, true);
    node_set_io(&f->table, &ref, ledger_give(f->ledger), NODE_IO_READABLE | NODE_IO_WRITABLE);
    end(f, &ref);
    // Two are not needed.
    assert_false(holds_path(f, id));
    assert_true(node_use(&f->table, id, &ref));
    close_handle(f, &ref, true, true);
    node_refresh(&f->table, &ref);
    assert_true(ledger_is_given(f->ledger, ref.held.io_fd));
    end(f, &ref);
}

static void what_was_taken_is_opened_again_by_handle(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 0x1234);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 100 + i);
    struct node_ref first, second;
    assert_true(node_use(&f->table, id, &first));
    assert_true(node_use(&f->table, id, &second));
    assert_int_equal(first.held.path_fd, -1);
    assert_int_equal(first.handle.length, 8);
    assert_int_equal(first.handle.bytes[0], 0x34);
    assert_int_equal(first.handle.bytes[1], 0x12);

    int outstanding = f->ledger->outstanding;
    lend(f, &first);
    lend(f, &second); /* has lost the race */
    assert_int_equal(first.held.path_fd, second.held.path_fd);
    assert_true(ledger_is_given(f->ledger, first.held.path_fd));
    assert_true(f->ledger->outstanding <= outstanding + 1);
    end(f, &first);
    end(f, &second);
    assert_true(holds_path(f, id));
}

/* Real descriptors here: the number of an old one may come to stand for a new one. */
static int open_null(void)
{
    int fd = open("/dev/null", O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void close_all(const struct node_resources *leftover)
{
    const int fds[] = { leftover->path_fd, leftover->io_fd };
    for (size_t i = 0; i < COUNT(fds); i++) {
        if (fds[i] >= 0)
            assert_int_equal(close(fds[i]), 0);
    }
}

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1000; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void a_class_root_gives_everything_back(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    struct node_resources leftover[2];
    int open_before = open_descriptors(), store = open_null();
    uint64_t before = node_table_counts(&f->table).descriptors;
    assert_int_equal(node_claim(&f->table, NULL, &seed, store, &ref, leftover), 0);
    for (int times = 0; times < 3; times++) {
        node_become_class_root(&f->table, &ref, 1, 1, open_null());
        node_refresh(&f->table, &ref);
        assert_true(ref.flags & NODE_CLASS_ROOT);
        assert_int_equal(ref.area, 1);
        assert_int_equal(ref.held.io_fd, store);
        assert_true(fcntl(ref.held.path_fd, F_GETFD) >= 0 && ref.held.path_fd != store);
        assert_int_equal(node_io_begin(&f->table, &ref, false), -1); /* it has no contents */

        int contents = ref.held.path_fd;
        node_move_contents(&f->table, &ref, 7, open_null());
        node_refresh(&f->table, &ref);
        assert_int_equal(ref.area, 7);
        assert_int_equal(ref.held.path_fd, contents);
        bool found[NODE_AREAS_MAX];
        node_find_areas(&f->table, found);
        assert_true(found[0] && found[7] && !found[1] && !found[8]);

        node_become_plain(&f->table, &ref, 0, 0);
        node_refresh(&f->table, &ref);
        assert_false(ref.flags & NODE_CLASS_ROOT);
        assert_int_equal(ref.held.path_fd, store);
    }
    uint64_t id = ref.id;
    node_end(&f->table, &ref, &leftover[0]);
    node_forget(&f->table, NULL, id, 1, &leftover[1]);
    close_all(&leftover[0]);
    close_all(&leftover[1]);
    assert_int_equal(node_table_counts(&f->table).descriptors, before);
    assert_int_equal(open_descriptors(), open_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(descriptors_have_a_bound),
        TEST(the_one_unused_for_longest_goes_first),
        TEST(a_descriptor_in_use_is_not_taken),
        TEST(uses_beyond_the_bound_are_made_up_for),
        TEST(a_node_without_a_handle_keeps_its_descriptor),
        TEST(an_unlinked_node_keeps_its_descriptor),
        TEST(a_nameless_node_keeps_the_last_that_it_holds),
        TEST(a_backing_id_keeps_a_nameless_node),
        TEST(an_io_descriptor_keeps_a_nameless_node),
        TEST(what_was_taken_is_opened_again_by_handle),
        TEST(a_class_root_gives_everything_back),
    };
    return cmocka_run_group_tests_name("node_cache", tests, NULL, NULL);
}
