// SPDX-License-Identifier: BSD-2-Clause
/* Backing ids and descriptors for I/O: how long a node holds them, and who gives them back. */
#include "tests/unit/nodes/small_cache.h"

/* Opens a file for reading with a backing id, and ends the use. */
static void open_with_backing(struct fixture *f, uint64_t id)
{
    struct node_ref ref;
    assert_true(node_use(&f->table, id, &ref));
    node_open(&f->table, NULL, &ref, false, 0, 0, false);
    if (ref.held.backing_id == 0)
        node_set_backing(&f->table, &ref, ledger_give_backing(f->ledger));
    end(f, &ref);
}

static int backing_of(struct fixture *f, uint64_t id)
{
    struct node_ref ref;
    assert_true(node_use(&f->table, id, &ref));
    end(f, &ref);
    return ref.held.backing_id;
}

static void close_id(struct fixture *f, uint64_t id)
{
    struct node_ref ref;
    assert_true(node_use(&f->table, id, &ref));
    close_handle(f, &ref, false, false);
    end(f, &ref);
}

static void claim_file(struct fixture *f, struct node_ref *ref)
{
    struct node_seed seed = seed_of(10);
    assert_int_equal(claim(f, &seed, ref), 0);
}

static void the_backing_id_of_an_open_file_is_not_taken(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 10);
    open_with_backing(f, id);
    int backing = backing_of(f, id);
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 100 + i);
    assert_int_equal(backing_of(f, id), backing);
    assert_true(ledger_is_given(f->ledger, backing));
    close_id(f, id);
    assert_int_equal(backing_of(f, id), backing); /* kept for the next open */
    for (uint64_t i = 0; i < 100; i++)
        lookup(f, 300 + i);
    assert_int_equal(backing_of(f, id), 0);
    assert_false(ledger_is_given(f->ledger, backing));
}

static void backing_ids_of_closed_files_have_a_bound(void **state)
{
    struct fixture *f = *state;
    uint64_t ids[10 * CACHED_MAX];
    for (size_t i = 0; i < COUNT(ids); i++) {
        ids[i] = lookup(f, 10 + i);
        open_with_backing(f, ids[i]);
    }
    for (size_t i = 0; i < COUNT(ids); i++)
        close_id(f, ids[i]);
    for (uint64_t i = 0; i < 10; i++)
        lookup(f, 5000 + i);
    int held = 0;
    for (size_t i = 0; i < COUNT(ids); i++)
        held += backing_of(f, ids[i]) != 0;
    assert_in_range(held, 0, CACHED_MAX);
}

static void an_unlinked_file_gives_its_backing_id_back(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup(f, 10);
    struct node_ref ref;
    open_with_backing(f, id);
    open_with_backing(f, id);
    int backing = backing_of(f, id);
    assert_true(node_use(&f->table, id, &ref));
    unlinked(f, &ref);
    close_handle(f, &ref, false, false);
    assert_true(ledger_is_given(f->ledger, backing)); /* the other open still needs it */
    close_handle(f, &ref, false, false);
    assert_false(ledger_is_given(f->ledger, backing));
    end(f, &ref);

    id = lookup(f, 11); /* closed already when its name goes */
    open_with_backing(f, id);
    backing = backing_of(f, id);
    close_id(f, id);
    assert_true(node_use(&f->table, id, &ref));
    unlinked(f, &ref);
    end(f, &ref);
    assert_true(ledger_is_given(f->ledger, backing)); /* nobody waits for it */
    forget(f, id, 1);
    assert_false(ledger_is_given(f->ledger, backing));
}

static void the_io_descriptor_goes_with_the_last_writer(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_file(f, &ref);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    node_open(&f->table, NULL, &ref, false, 0, 0, false);
    int io = ledger_give(f->ledger);
    node_set_io(&f->table, &ref, io, NODE_IO_READABLE | NODE_IO_WRITABLE);
    close_handle(f, &ref, true, false);
    assert_true(ledger_is_given(f->ledger, io));
    close_handle(f, &ref, true, false);
    assert_false(ledger_is_given(f->ledger, io));
    assert_int_equal(node_io_begin(&f->table, &ref, false), -1);
    close_handle(f, &ref, false, false);
    end(f, &ref);
}

static void readers_that_need_io_keep_the_descriptor(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_file(f, &ref);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    node_open(&f->table, NULL, &ref, false, 0, 0, false);
    int io = ledger_give(f->ledger);
    node_set_io(&f->table, &ref, io, NODE_IO_READABLE | NODE_IO_WRITABLE);
    close_handle(f, &ref, true, true);
    assert_true(ledger_is_given(f->ledger, io));
    close_handle(f, &ref, false, true);
    assert_false(ledger_is_given(f->ledger, io));
    end(f, &ref);
}

static void io_that_has_begun_keeps_the_descriptor(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    struct node_resources leftover;
    claim_file(f, &ref);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    assert_int_equal(node_io_begin(&f->table, &ref, false), -1);
    int io = ledger_give(f->ledger);
    node_set_io(&f->table, &ref, io, NODE_IO_READABLE);
    assert_int_equal(node_io_begin(&f->table, &ref, true), -1); /* it cannot write */
    assert_int_equal(node_io_begin(&f->table, &ref, false), io);
    close_handle(f, &ref, true, true);
    assert_true(ledger_is_given(f->ledger, io));
    node_io_end(&f->table, &ref, true, &leftover);
    dispose(f, &leftover);
    assert_false(ledger_is_given(f->ledger, io));
    end(f, &ref);
}

/* Returns whether the descriptor could be taken. */
static bool take_io(struct fixture *f, struct node_ref *ref)
{
    struct node_resources taken;
    node_io_take(&f->table, ref, &taken);
    bool could = taken.io_fd >= 0;
    dispose(f, &taken);
    return could;
}

static void give_io(struct fixture *f, struct node_ref *ref)
{
    node_set_io(&f->table, ref, ledger_give(f->ledger), NODE_IO_READABLE | NODE_IO_WRITABLE);
}

static void the_io_descriptor_can_be_taken_once_an_open(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    struct node_resources leftover;
    claim_file(f, &ref);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    give_io(f, &ref);
    assert_false(take_io(f, &ref)); /* the contents are reached by it alone */
    node_set_backing(&f->table, &ref, ledger_give_backing(f->ledger));
    assert_true(node_io_begin(&f->table, &ref, true) >= 0);
    assert_false(take_io(f, &ref)); /* a request uses it */
    node_io_end(&f->table, &ref, false, &leftover);
    dispose(f, &leftover);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    assert_false(take_io(f, &ref)); /* another open may want it */
    close_handle(f, &ref, true, false);
    assert_true(take_io(f, &ref));
    give_io(f, &ref);
    assert_false(take_io(f, &ref)); /* it was wanted again */
    close_handle(f, &ref, true, false);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    give_io(f, &ref);
    assert_true(take_io(f, &ref));
    close_handle(f, &ref, true, false);
    end(f, &ref);
}

static void a_nameless_file_keeps_the_io_descriptor(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_file(f, &ref);
    node_open(&f->table, NULL, &ref, true, 0, 0, false);
    node_set_backing(&f->table, &ref, ledger_give_backing(f->ledger));
    give_io(f, &ref);
    unlinked(f, &ref);
    assert_false(take_io(f, &ref));
    close_handle(f, &ref, true, false);
    end(f, &ref);
}

static void only_the_first_question_after_a_writer_is_one(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_file(f, &ref);
    for (int i = 0; i < 2; i++) {
        node_open(&f->table, NULL, &ref, true, 0, 0, false);
        close_handle(f, &ref, true, false);
        assert_true(node_ask_first(&f->table, &ref));
        node_open(&f->table, NULL, &ref, false, 0, 0, false);
        close_handle(f, &ref, false, false);
        assert_false(node_ask_first(&f->table, &ref));
    }
    end(f, &ref);
}

static void writeback_errors_are_counted(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    assert_true(node_use(&f->table, NODE_ROOT_ID, &ref));
    assert_int_equal(node_io_errors(&f->table, &ref, false), 0);
    assert_int_equal(node_io_errors(&f->table, &ref, true), 1);
    assert_int_equal(node_io_errors(&f->table, &ref, true), 2);
    assert_int_equal(node_io_errors(&f->table, &ref, false), 2);
    end(f, &ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_backing_id_of_an_open_file_is_not_taken),
        TEST(backing_ids_of_closed_files_have_a_bound),
        TEST(an_unlinked_file_gives_its_backing_id_back),
        TEST(the_io_descriptor_goes_with_the_last_writer),
        TEST(readers_that_need_io_keep_the_descriptor),
        TEST(io_that_has_begun_keeps_the_descriptor),
        TEST(the_io_descriptor_can_be_taken_once_an_open),
        TEST(a_nameless_file_keeps_the_io_descriptor),
        TEST(only_the_first_question_after_a_writer_is_one),
        TEST(writeback_errors_are_counted),
    };
    return cmocka_run_group_tests_name("node_backing", tests, NULL, NULL);
}
