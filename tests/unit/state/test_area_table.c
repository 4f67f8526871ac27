/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/nodes/node_fd.h"
#include "fs/state/area_table.h"

struct tables {
    struct area_table areas;
    struct node_table nodes;
};

static int make_tables(void **state)
{
    struct tables *tables = calloc(1, sizeof(*tables));

    *state = tables;
    return !tables || area_table_create(&tables->areas) != 0 ||
                   node_table_create(&tables->nodes, 100, 10) != 0
               ? -1
               : 0;
}

static int remove_tables(void **state)
{
    struct tables *tables = *state;

    area_table_destroy(&tables->areas);
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

static struct area_entry make_entry(uint64_t ino)
{
    struct area_entry entry = { .area = AREA_NONE, .ino = ino, .named = open_any() };

    entry.area.root = open_any();
    strlcpy(entry.words, "size=1m", sizeof(entry.words));
    return entry;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Another process finds the areas, and keeps their descriptors when it closes all others. */
static void test_areas_are_found_again(void **state)
{
    struct tables *tables = *state;
    struct area_entry entry = make_entry(7);
    struct area_table again;

    assert_false(area_table_has(&tables->areas, AREA_OWN));
    area_table_add(&tables->areas, AREA_OWN, &entry, &tables->nodes);
    area_table_leave(&tables->areas, AREA_OWN);
    assert_int_equal(area_table_attach(&again, dup(tables->areas.memfd)), 0);
    assert_true(area_table_has(&again, AREA_OWN));
    assert_int_equal(area_table_entry(&again, AREA_OWN)->ino, 7);
    assert_string_equal(area_table_entry(&again, AREA_OWN)->words, "size=1m");
    node_fd_drop(&tables->nodes, entry.area.root);
    assert_true(area_table_keep(&again, &tables->nodes));
    for (int fd = 0; fd <= 2; fd++)
        node_fd_keep(&tables->nodes, fd);
    node_fd_sweep(&tables->nodes);
    assert_true(is_open(entry.area.root) && is_open(entry.named));
    area_table_remove(&again, AREA_OWN, &tables->nodes);
    assert_false(is_open(entry.area.root) || is_open(entry.named));
    assert_false(area_table_has(&tables->areas, AREA_OWN));
    // The table is attached twice here.
    area_table_destroy(&again);
    assert_int_equal(area_table_create(&again), 0);
    tables->areas = again;
}

/* A process that dies while it closes an area leaves descriptors of nobody's. */
static void test_closing_is_ended(void **state)
{
    struct tables *tables = *state;
    struct area_entry entry = make_entry(8);

    area_table_add(&tables->areas, AREAS - 1, &entry, &tables->nodes);
    area_table_entry(&tables->areas, AREAS - 1)->state = AREA_CLOSING;
    assert_true(area_table_keep(&tables->areas, &tables->nodes));
    assert_int_equal(area_table_state(&tables->areas, AREAS - 1), AREA_FREE);
    for (int fd = 0; fd <= 2; fd++)
        node_fd_keep(&tables->nodes, fd);
    node_fd_sweep(&tables->nodes);
    assert_false(is_open(entry.area.root) || is_open(entry.named));
}

static void test_damage_is_seen(void **state)
{
    struct tables *tables = *state;
    struct area_entry entry = make_entry(9);

    area_table_add(&tables->areas, AREA_OWN + 1, &entry, &tables->nodes);
    area_table_entry(&tables->areas, AREA_OWN + 1)->ino = 10;
    assert_false(area_table_keep(&tables->areas, &tables->nodes));
}

static void test_other_memory_is_refused(void **state)
{
    struct area_table table;

    (void)state;
    assert_int_equal(area_table_attach(&table, open_any()), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_areas_are_found_again, make_tables, remove_tables),
        cmocka_unit_test_setup_teardown(test_closing_is_ended, make_tables, remove_tables),
        cmocka_unit_test_setup_teardown(test_damage_is_seen, make_tables, remove_tables),
        cmocka_unit_test(test_other_memory_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
