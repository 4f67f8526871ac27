// SPDX-License-Identifier: BSD-2-Clause
/* Taking back: all that a request has taken and its reply has not told, and nothing else.
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "fs/nodes/node_fd.h"
#include "tests/unit/nodes/node_fixture.h"
#include "tests/unit/nodes/node_state.h"

static int set_up(void **state)
{
    return set_up_table(state, 20000, 20000);
}

static struct node_ledger *first(struct fixture *f)
{
    return node_ledger(&f->table, 0);
}

/* A lookup that a ledger notes; it stays in use. */
static void claim_noted(struct fixture *f, struct node_ledger *ledger, uint64_t ino,
                        struct node_ref *ref)
{
    struct node_seed seed = seed_of(ino);
    struct node_resources leftover[2];
    assert_int_equal(node_claim(&f->table, ledger, &seed, ledger_give(f->ledger), ref, leftover),
                     0);
    dispose(f, &leftover[0]);
    dispose(f, &leftover[1]);
}

static uint64_t lookup_noted(struct fixture *f, struct node_ledger *ledger, uint64_t ino)
{
    struct node_ref ref;
    claim_noted(f, ledger, ino, &ref);
    uint64_t id = ref.id;
    end(f, &ref);
    return id;
}

/* Takes everything back; returns how many things that were. */
static unsigned undo_all(struct fixture *f, struct node_ledger *ledger)
{
    struct node_resources leftover;
    unsigned count = 0;
    for (; node_ledger_undo(&f->table, ledger, &leftover); count++)
        dispose(f, &leftover);
    assert_null(node_state_fault(&f->table));
    return count;
}

static void close_noted(struct fixture *f, struct node_ledger *ledger, struct node_ref *ref,
                        bool writer)
{
    struct node_resources leftover;
    node_close(&f->table, ledger, ref, writer, false, &leftover);
    dispose(f, &leftover);
}

static uint64_t opens(struct fixture *f)
{
    return node_table_counts(&f->table).opens;
}

static void lookups_are_taken_back(void **state)
{
    struct fixture *f = *state;
    uint64_t known = lookup(f, 10);
    assert_true(lookup_noted(f, first(f), 10) == known);
    uint64_t young = lookup_noted(f, first(f), 11);
    lookup_noted(f, first(f), 11);
    assert_int_equal(undo_all(f, first(f)), 3);
    assert_true(is_known(f, known));
    assert_false(is_known(f, young));
    assert_int_equal(undo_all(f, first(f)), 0);
    forget(f, known, 1);
    assert_false(is_known(f, known)); /* it had one lookup left, and not more */
    assert_int_equal(f->ledger->outstanding, 1);
}

static void what_the_kernel_was_told_is_its_own(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup_noted(f, first(f), 10);
    node_ledger_clear(&f->table, first(f));
    assert_int_equal(undo_all(f, first(f)), 0);
    assert_true(is_known(f, id));
}

static void a_lookup_that_was_given_up_is_not_taken_back_again(void **state)
{
    struct fixture *f = *state;
    struct node_resources leftover;
    uint64_t ids[] = { lookup_noted(f, first(f), 10), lookup_noted(f, first(f), 11),
                       lookup_noted(f, first(f), 12) };
    node_unlookup(&f->table, first(f), ids[1], &leftover);
    dispose(f, &leftover);
    assert_false(is_known(f, ids[1]));
    assert_true(is_known(f, ids[0]) && is_known(f, ids[2]));
    assert_int_equal(undo_all(f, first(f)), 2);
    assert_int_equal(nodes(f), 1);
}

static void ledgers_are_apart(void **state)
{
    struct fixture *f = *state;
    uint64_t id = lookup_noted(f, first(f), 10);
    lookup_noted(f, node_ledger(&f->table, NODE_LEDGERS - 1), 10);
    assert_int_equal(undo_all(f, node_ledger(&f->table, 1)), 0);
    assert_int_equal(undo_all(f, first(f)), 1);
    assert_true(is_known(f, id));
    assert_int_equal(undo_all(f, node_ledger(&f->table, NODE_LEDGERS - 1)), 1);
    assert_false(is_known(f, id));
}

static void a_full_ledger_says_so(void **state)
{
    struct fixture *f = *state;
    for (uint64_t i = 0; i < NODE_LEDGER_LOOKUPS; i++)
        lookup_noted(f, first(f), 10 + i);
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    struct node_resources leftover[2];
    int fd = ledger_give(f->ledger);
    assert_int_equal(node_claim(&f->table, first(f), &seed, fd, &ref, leftover), -EOVERFLOW);
    assert_int_equal(leftover[0].path_fd, fd);
    dispose(f, &leftover[0]);
    assert_int_equal(undo_all(f, first(f)), NODE_LEDGER_LOOKUPS);
    assert_int_equal(nodes(f), 1);
    assert_int_equal(f->ledger->outstanding, 1);
}

static void an_open_is_taken_back(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_noted(f, first(f), 10, &ref); /* as CREATE does */
    node_flags(&f->table, &ref, NODE_ATTR_CACHED, 0);
    assert_int_equal(node_open(&f->table, first(f), &ref, true, 0, NODE_ATTR_CACHED, false),
                     NODE_ATTR_CACHED);
    node_set_io(&f->table, &ref, ledger_give(f->ledger), NODE_IO_READABLE);
    assert_int_equal(node_flags(&f->table, &ref, 0, 0), NODE_IO_READABLE);

    struct node_resources leftover;
    assert_true(node_ledger_undo(&f->table, first(f), &leftover));
    assert_true(leftover.io_fd >= 0);
    dispose(f, &leftover);
    assert_int_equal(opens(f), 0);
    assert_int_equal(node_flags(&f->table, &ref, 0, 0), NODE_ATTR_CACHED);
    end(f, &ref);
    assert_int_equal(undo_all(f, first(f)), 1);
    assert_int_equal(nodes(f), 1);
    assert_int_equal(f->ledger->outstanding, 1);
}

/* The kernel knows of one open, and has forgotten the node's name meanwhile. */
static void only_the_noted_open_is_taken_back(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_noted(f, NULL, 10, &ref);
    uint64_t id = ref.id;
    node_open(&f->table, NULL, &ref, false, 0, 0, false);
    node_open(&f->table, first(f), &ref, false, 0, 0, false);
    forget(f, id, 1);
    end(f, &ref);
    assert_int_equal(undo_all(f, first(f)), 1);
    assert_int_equal(opens(f), 1);
    assert_true(node_use(&f->table, id, &ref));
    close_noted(f, NULL, &ref, false);
    end(f, &ref);
    assert_false(is_known(f, id));
}

static void an_open_that_failed_is_not_taken_back_again(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_noted(f, NULL, 10, &ref);
    node_open(&f->table, first(f), &ref, true, 0, 0, false);
    close_noted(f, first(f), &ref, true);
    assert_int_equal(opens(f), 0);
    assert_int_equal(undo_all(f, first(f)), 0);
    /* and the ledger can note the next */
    node_open(&f->table, first(f), &ref, true, 0, 0, false);
    assert_int_equal(undo_all(f, first(f)), 1);
    end(f, &ref);
}

static void a_release_is_carried_out_once(void **state)
{
    struct fixture *f = *state;
    struct node_ref ref;
    claim_noted(f, NULL, 10, &ref);
    for (int i = 0; i < 3; i++)
        node_open(&f->table, NULL, &ref, false, 0, 0, false);
    close_noted(f, first(f), &ref, false);
    close_noted(f, first(f), &ref, false); /* the same request, once more */
    assert_int_equal(undo_all(f, first(f)), 0);
    close_noted(f, first(f), &ref, false); /* being taken back has not made it another */
    assert_int_equal(opens(f), 2);
    node_ledger_clear(&f->table, first(f));
    close_noted(f, first(f), &ref, false);
    assert_int_equal(opens(f), 1);
    close_noted(f, NULL, &ref, false);
    assert_int_equal(opens(f), 0);
    end(f, &ref);
}

static void forgets_are_counted(void **state)
{
    struct fixture *f = *state;
    struct node_resources leftover;
    uint64_t id = lookup(f, 10);
    assert_int_equal(node_ledger_forgotten(&f->table, first(f)), 0);
    node_forget(&f->table, first(f), id, 1, &leftover);
    dispose(f, &leftover);
    node_forget(&f->table, first(f), id, 1,
                &leftover); /* of nobody: it is carried out all the same */
    assert_int_equal(node_ledger_forgotten(&f->table, first(f)), 2);
    node_ledger_clear(&f->table, first(f));
    assert_int_equal(node_ledger_forgotten(&f->table, first(f)), 0);
}

static void a_stream_has_a_handle_of_its_own(void **state)
{
    struct fixture *f = *state;
    int fd = ledger_give(f->ledger);
    uint64_t old = node_dir_open(&f->table, NULL, fd);
    assert_int_equal(node_dir_fd(&f->table, old), fd);
    assert_int_equal(node_dir_close(&f->table, NULL, old), fd);
    assert_int_equal(node_dir_close(&f->table, NULL, old), -1);
    uint64_t young = node_dir_open(&f->table, NULL, fd); /* the number is given out again */
    assert_true(old != young);
    assert_int_equal(node_dir_fd(&f->table, old), -1);
    assert_int_equal(node_dir_close(&f->table, NULL, old), -1);
    assert_int_equal(node_dir_fd(&f->table, young), fd);
}

static void made_up_handles_are_no_streams(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    assert_int_equal(claim(f, &seed, &ref), 0);
    const uint64_t handles[] = {
        0,          (uint64_t)ref.held.path_fd, (uint64_t)f->table.memfd, NODE_FD_MAX,
        UINT32_MAX, NODE_STREAM_NONE,           NODE_STREAM_NONE << 32
    };
    for (size_t i = 0; i < COUNT(handles); i++) {
        assert_int_equal(node_dir_fd(&f->table, handles[i]), -1);
        assert_int_equal(node_dir_close(&f->table, NULL, handles[i]), -1);
    }
    end(f, &ref);
}

static void a_stream_is_taken_back(void **state)
{
    struct fixture *f = *state;
    struct node_resources leftover;
    int fd = ledger_give(f->ledger);
    uint64_t fh = node_dir_open(&f->table, first(f), fd);
    assert_true(node_ledger_undo(&f->table, first(f), &leftover));
    assert_int_equal(leftover.path_fd, fd);
    assert_int_equal(node_dir_fd(&f->table, fh), -1);
    assert_int_equal(undo_all(f, first(f)), 0);

    fh = node_dir_open(&f->table, first(f), fd); /* one that failed */
    assert_int_equal(node_dir_close(&f->table, first(f), fh), fd);
    assert_int_equal(undo_all(f, first(f)), 0);
}

static void descriptors_that_are_too_high_are_refused(void **state)
{
    struct fixture *f = *state;
    struct node_seed seed = seed_of(10);
    struct node_ref ref;
    struct node_resources leftover[2];
    assert_int_equal(node_claim(&f->table, NULL, &seed, NODE_FD_MAX, &ref, leftover), -EMFILE);
    assert_int_equal(leftover[0].path_fd, NODE_FD_MAX);
    assert_true(node_dir_open(&f->table, NULL, NODE_FD_MAX) == NODE_STREAM_NONE);
    assert_int_equal(nodes(f), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lookups_are_taken_back),
        TEST(what_the_kernel_was_told_is_its_own),
        TEST(a_lookup_that_was_given_up_is_not_taken_back_again),
        TEST(ledgers_are_apart),
        TEST(a_full_ledger_says_so),
        TEST(an_open_is_taken_back),
        TEST(only_the_noted_open_is_taken_back),
        TEST(an_open_that_failed_is_not_taken_back_again),
        TEST(a_release_is_carried_out_once),
        TEST(forgets_are_counted),
        TEST(a_stream_has_a_handle_of_its_own),
        TEST(made_up_handles_are_no_streams),
        TEST(a_stream_is_taken_back),
        TEST(descriptors_that_are_too_high_are_refused),
    };
    return cmocka_run_group_tests_name("node_ledger", tests, NULL, NULL);
}
