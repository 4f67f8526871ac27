/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>

#include "fs/state/lock_ranges.h"

/* A file of so many bytes, as the kernel would have the locks of one owner. */
#define BYTES 12

static bool forbids(const struct lock_ranges *ranges, int64_t at, int type)
{
    return lock_ranges_forbid(ranges, at, at, type);
}

static void test_ranges_are_split_and_joined(void **state)
{
    struct lock_ranges ranges = { .count = 0 };

    (void)state;
    assert_true(lock_ranges_are_none(&ranges));
    lock_ranges_set(&ranges, 10, 29, F_WRLCK);
    lock_ranges_set(&ranges, 15, 19, F_UNLCK);
    assert_int_equal(ranges.count, 2);
    assert_true(forbids(&ranges, 14, F_RDLCK) && forbids(&ranges, 20, F_RDLCK));
    assert_false(forbids(&ranges, 15, F_WRLCK) || forbids(&ranges, 19, F_WRLCK));
    assert_false(forbids(&ranges, 9, F_WRLCK) || forbids(&ranges, 30, F_WRLCK));
    lock_ranges_set(&ranges, 15, 19, F_WRLCK);
    assert_int_equal(ranges.count, 1);
    lock_ranges_set(&ranges, 12, 13, F_RDLCK);
    assert_int_equal(ranges.count, 3);
    assert_false(forbids(&ranges, 12, F_RDLCK));
    assert_true(forbids(&ranges, 12, F_WRLCK));
    lock_ranges_set(&ranges, 0, LOCK_RANGE_END, F_UNLCK);
    assert_true(lock_ranges_are_none(&ranges));
}

static void test_ranges_end_with_the_last_byte(void **state)
{
    struct lock_ranges ranges = { .count = 0 };

    (void)state;
    lock_ranges_set(&ranges, 0, LOCK_RANGE_END, F_WRLCK);
    lock_ranges_set(&ranges, 0, 9, F_UNLCK);
    lock_ranges_set(&ranges, LOCK_RANGE_END, LOCK_RANGE_END, F_UNLCK);
    assert_int_equal(ranges.count, 1);
    assert_int_equal(ranges.at[0].start, 10);
    assert_int_equal(ranges.at[0].end, LOCK_RANGE_END - 1);
}

/* Random changes, compared with a type for each byte. */
static void test_ranges_are_what_bytes_are(void **state)
{
    static const int types[] = { F_UNLCK, F_RDLCK, F_WRLCK };
    struct lock_ranges ranges = { .count = 0 };
    int bytes[BYTES];

    (void)state;
    for (int i = 0; i < BYTES; i++)
        bytes[i] = F_UNLCK;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        int start = rand() % BYTES, end = start + rand() % (BYTES - start);
        int type = types[rand() % 3];

        lock_ranges_set(&ranges, start, end, type);
        for (int i = start; i <= end; i++)
            bytes[i] = type;
        // More than are noted are not all known.
        if (ranges.more) {
            lock_ranges_set(&ranges, 0, LOCK_RANGE_END, F_UNLCK);
            for (int i = 0; i < BYTES; i++)
                bytes[i] = F_UNLCK;
        }
        for (int i = 0; i < BYTES; i++) {
            assert_int_equal(forbids(&ranges, i, F_WRLCK), bytes[i] != F_UNLCK);
            assert_int_equal(forbids(&ranges, i, F_RDLCK), bytes[i] == F_WRLCK);
        }
    }
}

static void test_too_many_ranges_are_known_to_be(void **state)
{
    struct lock_ranges ranges = { .count = 0 };

    (void)state;
    for (unsigned i = 0; i <= LOCK_RANGES_MAX; i++)
        lock_ranges_set(&ranges, 2 * i, 2 * i, F_WRLCK);
    assert_true(ranges.more);
    lock_ranges_set(&ranges, 0, 2 * LOCK_RANGES_MAX, F_UNLCK);
    assert_int_equal(ranges.count, 0);
    assert_false(lock_ranges_are_none(&ranges));
    lock_ranges_set(&ranges, 0, LOCK_RANGE_END, F_UNLCK);
    assert_true(lock_ranges_are_none(&ranges));
}

static void test_a_wrong_count_is_none(void **state)
{
    struct lock_ranges ranges = { .count = 1U << 30 };

    (void)state;
    assert_int_equal(lock_ranges_count(&ranges), LOCK_RANGES_MAX);
    lock_ranges_set(&ranges, 0, LOCK_RANGE_END, F_UNLCK);
    assert_true(lock_ranges_are_none(&ranges));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_are_split_and_joined),
        cmocka_unit_test(test_ranges_end_with_the_last_byte),
        cmocka_unit_test(test_ranges_are_what_bytes_are),
        cmocka_unit_test(test_too_many_ranges_are_known_to_be),
        cmocka_unit_test(test_a_wrong_count_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
