// SPDX-License-Identifier: BSD-2-Clause
// Page faults at the edges of an object: its end, its growth, its truncation, its holes.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void sigbus_beyond_the_end(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(page + 100));
    char *mapping = map_shared(fd, 4 * page);
    assert_int_equal(touch_signal(mapping + page + 99, true), 0);
    assert_int_equal(touch_signal(mapping + 2 * page - 1, false), 0);
    assert_int_equal(touch_signal(mapping + 2 * page, false), SIGBUS);
    assert_int_equal(touch_signal(mapping + 2 * page, true), SIGBUS);
    assert_int_equal(touch_signal(mapping + 4 * page - 1, true), SIGBUS);
    assert_int_equal(size_of(fd), page + 100);
    unmap(mapping, 4 * page);
    assert_ok(close(fd));
}

static void sigbus_everywhere_in_an_empty_file(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", 0);
    char *mapping = map_shared(fd, page);
    assert_int_equal(touch_signal(mapping, false), SIGBUS);
    assert_int_equal(touch_signal(mapping, true), SIGBUS);
    assert_int_equal(pwrite(fd, "x", 1, 0), 1);
    assert_int_equal(mapping[0], 'x');
    unmap(mapping, page);
    assert_ok(close(fd));
}

static int truncate_by_path(struct coprocess *parent, void *argument)
{
    (void)parent;
    coprocess_check(truncate("file", *(off_t *)argument) == 0);
    return 0;
}

static void sigbus_after_a_truncate_by_another_process(void **state)
{
    size_t page = page_size();
    off_t shorter = (off_t)page;

    (void)state;
    int fd = new_file("file", (off_t)(4 * page));
    char *mapping = map_shared(fd, 4 * page);
    memset(mapping, 'x', 4 * page);
    assert_int_equal(coprocess_run(truncate_by_path, &shorter), 0);
    assert_int_equal(touch_signal(mapping + page - 1, false), 0);
    assert_int_equal(touch_signal(mapping + page, false), SIGBUS);
    assert_int_equal(touch_signal(mapping + 3 * page, true), SIGBUS);
    unmap(mapping, 4 * page);
    assert_ok(close(fd));
}

static void truncated_bytes_come_back_as_zeros(void **state)
{
    size_t page = page_size();
    off_t shorter = 100;
    off_t longer = (off_t)(4 * page);

    (void)state;
    int fd = new_file("file", longer);
    char *mapping = map_shared(fd, 4 * page);
    memset(mapping, 'x', 4 * page);
    assert_int_equal(coprocess_run(truncate_by_path, &shorter), 0);
    assert_int_equal(coprocess_run(truncate_by_path, &longer), 0);
    assert_true(all_bytes(mapping, 100, 'x'));
    assert_true(all_bytes(mapping + 100, 4 * page - 100, 0));
    char *bytes = test_malloc(4 * page);
    assert_int_equal(pread(fd, bytes, 4 * page, 0), 4 * page);
    assert_memory_equal(bytes, mapping, 4 * page);
    test_free(bytes);
    unmap(mapping, 4 * page);
    assert_ok(close(fd));
}

static int empty_by_open(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    int fd = open("file", O_WRONLY | O_TRUNC);
    coprocess_check(fd != -1);
    coprocess_check(write(fd, "new", 3) == 3);
    return 0;
}

static void emptied_by_another_opener_while_mapped(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(2 * page));
    char *mapping = map_shared(fd, 2 * page);
    memset(mapping, 'x', 2 * page);
    assert_int_equal(coprocess_run(empty_by_open, NULL), 0);
    assert_int_equal(size_of(fd), 3);
    assert_memory_equal(mapping, "new", 4);
    assert_true(all_bytes(mapping + 3, page - 3, 0));
    assert_int_equal(touch_signal(mapping + page, false), SIGBUS);
    unmap(mapping, 2 * page);
    assert_ok(close(fd));
}

enum growth { GROW_TRUNCATE, GROW_WRITE, GROW_APPEND, GROW_FALLOCATE };

static int grow(struct coprocess *parent, void *argument)
{
    enum growth growth = *(enum growth *)argument;
    off_t page = (off_t)page_size();
    int fd = open("file", O_RDWR | (growth == GROW_APPEND ? O_APPEND : 0));
    char bytes[16384];

    (void)parent;
    memset(bytes, 'g', sizeof(bytes));
    coprocess_check(fd != -1);
    if (growth == GROW_TRUNCATE)
        coprocess_check(ftruncate(fd, 4 * page) == 0);
    else if (growth == GROW_WRITE)
        coprocess_check(pwrite(fd, "g", 1, 4 * page - 1) == 1);
    else if (growth == GROW_FALLOCATE)
        coprocess_check(fallocate(fd, 0, 0, 4 * page) == 0);
    else
        for (off_t rest = 3 * page; rest > 0;) {
            ssize_t written =
                write(fd, bytes, (size_t)rest < sizeof(bytes) ? (size_t)rest : sizeof(bytes));
            coprocess_check(written > 0);
            rest -= written;
        }
    return 0;
}

/* The mapping is there first, another process makes the file as long as it. */
static void grown_by_another_process(enum growth growth)
{
    size_t page = page_size();

    int fd = new_file("file", (off_t)page);
    char *mapping = map_shared(fd, 4 * page);
    mapping[0] = 'a';
    assert_int_equal(touch_signal(mapping + page, true), SIGBUS);
    assert_int_equal(coprocess_run(grow, &growth), 0);
    assert_int_equal(mapping[4 * page - 1],
                     growth == GROW_WRITE || growth == GROW_APPEND ? 'g' : 0);
    assert_int_equal(mapping[page], growth == GROW_APPEND ? 'g' : 0);
    assert_int_equal(mapping[0], 'a');
    mapping[4 * page - 1] = 'z';
    char byte;
    assert_int_equal(pread(fd, &byte, 1, (off_t)(4 * page - 1)), 1);
    assert_int_equal(byte, 'z');
    assert_int_equal(size_of(fd), 4 * page);
    unmap(mapping, 4 * page);
    assert_ok(close(fd));
}

static void grown_by_anothers_ftruncate(void **state)
{
    (void)state;
    grown_by_another_process(GROW_TRUNCATE);
}

static void grown_by_anothers_write(void **state)
{
    (void)state;
    grown_by_another_process(GROW_WRITE);
}

static void grown_by_anothers_append(void **state)
{
    (void)state;
    grown_by_another_process(GROW_APPEND);
}

static void grown_by_anothers_fallocate(void **state)
{
    (void)state;
    grown_by_another_process(GROW_FALLOCATE);
}

/* The coprocess maps far beyond the end, and follows the growth that this process makes step by
 * step. */
static int follow_growth(struct coprocess *parent, void *argument)
{
    size_t page = page_size();
    int steps = *(int *)argument;
    char *mapping = map_path("file", (size_t)steps * page);

    coprocess_check(mapping != NULL);
    for (int i = 0; i < steps; i++) {
        coprocess_check(coprocess_give_turn(parent));
        coprocess_check(coprocess_await_turn(parent));
        coprocess_check(mapping[(size_t)i * page] == (char)('a' + i % 26));
        mapping[(size_t)i * page + 1] = (char)('A' + i % 26);
    }
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void grown_step_by_step_under_two_mappings(void **state)
{
    size_t page = page_size();
    int steps = 100;
    struct coprocess coprocess;

    (void)state;
    int fd = new_file("file", 0);
    char *mapping = map_shared(fd, (size_t)steps * page);
    assert_int_equal(coprocess_start(&coprocess, follow_growth, &steps), 0);
    for (int i = 0; i < steps; i++) {
        assert_true(coprocess_await_turn(&coprocess));
        if (i % 2)
            assert_ok(ftruncate(fd, (off_t)((size_t)(i + 1) * page)));
        else
            assert_int_equal(pwrite(fd, "", 1, (off_t)((size_t)(i + 1) * page - 1)), 1);
        mapping[(size_t)i * page] = (char)('a' + i % 26);
        assert_true(coprocess_give_turn(&coprocess));
    }
    assert_true(coprocess_await_turn(&coprocess));
    for (int i = 0; i < steps; i++)
        assert_int_equal(mapping[(size_t)i * page + 1], 'A' + i % 26);
    assert_coprocess_succeeds(&coprocess);
    unmap(mapping, (size_t)steps * page);
    assert_ok(close(fd));
}

static void slack_of_the_last_page_is_zero(void **state)
{
    size_t page = page_size();
    char bytes[300];

    (void)state;
    int fd = new_file("file", 0);
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(pwrite(fd, bytes, 200, 0), 200);
    char *mapping = map_shared(fd, page);
    assert_true(all_bytes(mapping, 200, 'x'));
    assert_true(all_bytes(mapping + 200, page - 200, 0));
    mapping[250] = 'y'; // Beyond the end: nobody's data.
    assert_int_equal(size_of(fd), 200);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 200);
    unmap(mapping, page);
    assert_ok(close(fd));
}

static void slack_does_not_reach_the_file(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", 100);
    char *mapping = map_shared(fd, page);
    mapping[99] = 'x';
    mapping[100] = 'y';
    assert_ok(msync(mapping, page, MS_SYNC));
    unmap(mapping, page);
    assert_int_equal(size_of(fd), 100);
    assert_int_equal(lseek(fd, 0, SEEK_END), 100);
    assert_ok(close(fd));
}

static void holes_read_as_zeros_and_take_stores(void **state)
{
    size_t page = page_size();
    char byte;

    (void)state;
    int fd = new_file("file", (off_t)(64 * page));
    assert_int_equal(pwrite(fd, "x", 1, (off_t)(32 * page)), 1);
    char *mapping = map_shared(fd, 64 * page);
    assert_true(all_bytes(mapping, 32 * page, 0));
    assert_int_equal(mapping[32 * page], 'x');
    assert_true(all_bytes(mapping + 33 * page, 31 * page, 0));
    mapping[5 * page + 7] = 'h';
    assert_int_equal(pread(fd, &byte, 1, (off_t)(5 * page + 7)), 1);
    assert_int_equal(byte, 'h');
    assert_true(all_bytes(mapping + 6 * page, 26 * page, 0));
    unmap(mapping, 64 * page);
    assert_ok(close(fd));
}

static void punched_hole_is_zero_in_a_mapping(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(8 * page));
    char *mapping = map_shared(fd, 8 * page);
    memset(mapping, 'x', 8 * page);
    assert_ok(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(2 * page),
                        (off_t)(2 * page)));
    assert_true(all_bytes(mapping, 2 * page, 'x'));
    assert_true(all_bytes(mapping + 2 * page, 2 * page, 0));
    assert_true(all_bytes(mapping + 4 * page, 4 * page, 'x'));
    assert_ok(
        fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(6 * page) + 10, 20));
    assert_true(all_bytes(mapping + 6 * page, 10, 'x'));
    assert_true(all_bytes(mapping + 6 * page + 10, 20, 0));
    assert_true(all_bytes(mapping + 6 * page + 30, page - 30, 'x'));
    mapping[2 * page] = 'n';
    char byte;
    assert_int_equal(pread(fd, &byte, 1, (off_t)(2 * page)), 1);
    assert_int_equal(byte, 'n');
    unmap(mapping, 8 * page);
    assert_ok(close(fd));
}

static void private_mapping_of_a_shrunk_file(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(2 * page));
    char *own = map_fd(fd, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    own[page] = 'x';
    assert_ok(ftruncate(fd, (off_t)page));
    // Truncation takes private copies too.
    assert_int_equal(touch_signal(own + page, false), SIGBUS);
    assert_int_equal(touch_signal(own, true), 0);
    unmap(own, 2 * page);
    assert_ok(close(fd));
}

static void system_calls_meet_the_end_as_efault(void **state)
{
    size_t page = page_size();
    int ends[2];

    (void)state;
    int fd = new_file("file", (off_t)page);
    char *mapping = map_shared(fd, 2 * page);
    assert_ok(pipe(ends));
    assert_errno(write(ends[1], mapping + page, 1), EFAULT);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_errno(read(ends[0], mapping + page, 1), EFAULT);
    assert_ok(close(ends[0]));
    assert_ok(close(ends[1]));
    unmap(mapping, 2 * page);
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(sigbus_beyond_the_end),
    cmocka_unit_test(sigbus_everywhere_in_an_empty_file),
    cmocka_unit_test(sigbus_after_a_truncate_by_another_process),
    cmocka_unit_test(truncated_bytes_come_back_as_zeros),
    cmocka_unit_test(emptied_by_another_opener_while_mapped),
    cmocka_unit_test(grown_by_anothers_ftruncate),
    cmocka_unit_test(grown_by_anothers_write),
    cmocka_unit_test(grown_by_anothers_append),
    cmocka_unit_test(grown_by_anothers_fallocate),
    cmocka_unit_test(grown_step_by_step_under_two_mappings),
    cmocka_unit_test(slack_of_the_last_page_is_zero),
    cmocka_unit_test(slack_does_not_reach_the_file),
    cmocka_unit_test(holes_read_as_zeros_and_take_stores),
    cmocka_unit_test(punched_hole_is_zero_in_a_mapping),
    cmocka_unit_test(private_mapping_of_a_shrunk_file),
    cmocka_unit_test(system_calls_meet_the_end_as_efault),
};

HARNESS_MAIN("fault", cases)
