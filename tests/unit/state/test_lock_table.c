/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/nodes/node_fd.h"
#include "fs/state/lock_table.h"

struct tables {
    struct lock_table locks;
    struct node_table nodes;
};

static int make_tables(void **state)
{
    struct tables *tables = calloc(1, sizeof(*tables));

    *state = tables;
    return !tables || lock_table_create(&tables->locks) != 0 ||
                   node_table_create(&tables->nodes, 100, 10) != 0
               ? -1
               : 0;
}

static int remove_tables(void **state)
{
    struct tables *tables = *state;

    lock_table_destroy(&tables->locks);
    node_table_destroy(&tables->nodes);
    free(tables);
    return 0;
}

static int open_any(void)
{
    int fd = open("/", O_PATH | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static struct lock_entry *add(struct tables *tables, uint64_t node, uint64_t owner, bool writable)
{
    const struct lock_entry filled = {
        .fd = open_any(), .node = node, .owner = owner, .kind = LOCK_OF_RANGES, .writable = writable
    };

    return lock_table_add(&tables->locks, &filled, &tables->nodes);
}

static struct lock_entry *find(struct tables *tables, uint64_t node, uint64_t owner)
{
    return lock_table_find(&tables->locks, &(struct lock_key){ node, owner, LOCK_OF_RANGES });
}

/* Closes what nobody owns, as after the death of a process. */
static void sweep(struct tables *tables)
{
    for (int fd = 0; fd <= 2; fd++)
        node_fd_keep(&tables->nodes, fd);
    node_fd_sweep(&tables->nodes);
}

static void test_entries_are_found_again(void **state)
{
    struct tables *tables = *state;
    struct lock_entry *entry = add(tables, 7, 1, false);
    int fd = entry->fd;

    add(tables, 7, 2, false);
    add(tables, 8, 1, false);
    assert_int_equal(lock_table_count(&tables->locks), 3);
    assert_ptr_equal(find(tables, 7, 1), entry);
    assert_null(find(tables, 8, 2));
    node_fd_drop(&tables->nodes, fd);
    assert_true(lock_table_keep(&tables->locks, &tables->nodes));
    sweep(tables);
    assert_true(is_open(fd));
    assert_ptr_equal(find(tables, 7, 1), entry);
    assert_int_equal(lock_table_count(&tables->locks), 3);
    assert_int_equal(lock_table_remove(&tables->locks, entry, &tables->nodes), fd);
    assert_null(find(tables, 7, 1));
    assert_non_null(find(tables, 7, 2));
    close(fd);
    // A place that is free again is taken first.
    assert_ptr_equal(add(tables, 9, 1, false), entry);
}

static void test_entries_of_a_file(void **state)
{
    struct tables *tables = *state;
    const struct lock_entry *entry = NULL;
    unsigned count = 0;

    for (uint64_t owner = 1; owner <= 20; owner++) {
        add(tables, 3, owner, false);
        add(tables, 4, owner, false);
    }
    while ((entry = lock_table_next(&tables->locks, 3, entry)))
        count += entry->node == 3;
    assert_int_equal(count, 20);
}

/* A process that dies while it gives an owner another descriptor leaves two, with the same locks. */
static void test_the_writable_one_is_left(void **state)
{
    struct tables *tables = *state;

    for (uint64_t node = 1; node <= 2; node++) {
        int first = add(tables, node, 1, node == 1)->fd;
        int second = add(tables, node, 1, node == 2)->fd;

        assert_true(lock_table_keep(&tables->locks, &tables->nodes));
        sweep(tables);
        assert_int_equal(is_open(first), node == 1);
        assert_int_equal(is_open(second), node == 2);
        assert_true(find(tables, node, 1)->writable);
    }
    assert_int_equal(lock_table_count(&tables->locks), 2);
}

static void test_damage_is_seen(void **state)
{
    struct tables *tables = *state;
    struct lock_entry *entry = add(tables, 7, 1, false);

    entry->owner = 2;
    assert_false(lock_table_keep(&tables->locks, &tables->nodes));
    entry->owner = 1;
    assert_true(lock_table_keep(&tables->locks, &tables->nodes));
}

static void test_openings_differ(void **state)
{
    struct tables *tables = *state;
    uint64_t first = lock_table_number(&tables->locks);

    assert_int_not_equal(first, 0);
    assert_int_not_equal(lock_table_number(&tables->locks), first);
}

static void test_other_memory_is_refused(void **state)
{
    struct lock_table table;
    int fd = open_any();

    (void)state;
    assert_int_equal(lock_table_attach(&table, fd), -EPROTO);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_entries_are_found_again, make_tables, remove_tables),
        cmocka_unit_test_setup_teardown(test_entries_of_a_file, make_tables, remove_tables),
        cmocka_unit_test_setup_teardown(test_the_writable_one_is_left, make_tables, remove_tables),
        cmocka_unit_test_setup_teardown(test_damage_is_seen, make_tables, remove_tables),
        cmocka_unit_test_setup_teardown(test_openings_differ, make_tables, remove_tables),
        cmocka_unit_test(test_other_memory_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
