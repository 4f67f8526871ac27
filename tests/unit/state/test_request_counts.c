// SPDX-License-Identifier: BSD-2-Clause
/* Counts of requests, by record. */
#include "tests/unit/unit.h"

#include "fs/state/request.h"
#include "fs/state/request_counts.h"

static void records_are_added_up(void **state)
{
    struct request_counts *counts = request_counts_make();

    (void)state;
    for (unsigned record = 0; record < REQUESTS; record++)
        request_counts_add(counts, record, FUSE_LOOKUP);
    request_counts_add(counts, 0, FUSE_OPEN);
    assert_int_equal(request_counts_of(counts, FUSE_LOOKUP), REQUESTS);
    assert_int_equal(request_counts_of(counts, FUSE_OPEN), 1);
    assert_int_equal(request_counts_of(counts, FUSE_READ), 0);
    request_counts_destroy(counts);
}

static void durations_are_counted_by_step(void **state)
{
    struct request_counts *counts = request_counts_make();

    (void)state;
    for (unsigned record = 0; record < REQUESTS; record++)
        request_counts_lasted(counts, record, FUSE_LOOKUP, 14000);
    request_counts_lasted(counts, 0, FUSE_LOOKUP, 20000000);
    request_counts_lasted(counts, 0, UINT32_MAX, UINT64_MAX);
    assert_int_equal(request_counts_in_step(counts, FUSE_LOOKUP, duration_step(14000)), REQUESTS);
    assert_int_equal(request_counts_in_step(counts, FUSE_LOOKUP, duration_step(20000000)), 1);
    assert_int_equal(request_counts_in_step(counts, FUSE_OPEN, duration_step(14000)), 0);
    assert_int_equal(request_counts_in_step(counts, 0, DURATION_STEPS - 1), 1);
    request_counts_destroy(counts);
}

/* A kernel may send requests that this knows nothing of. */
static void unknown_ones_are_counted(void **state)
{
    struct request_counts *counts = request_counts_make();

    (void)state;
    request_counts_add(counts, 0, REQUEST_KINDS);
    request_counts_add(counts, 0, UINT32_MAX);
    assert_int_equal(request_counts_of(counts, 0), 2);
    assert_string_equal(request_name_or(0, "OTHER"), "OTHER");
    assert_string_equal(request_name_or(UINT32_MAX, "OTHER"), "OTHER");
    assert_string_equal(request_name_or(FUSE_LOOKUP, "OTHER"), "LOOKUP");
    request_counts_destroy(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_added_up),
        cmocka_unit_test(durations_are_counted_by_step),
        cmocka_unit_test(unknown_ones_are_counted),
    };
    return cmocka_run_group_tests_name("request_counts", tests, NULL, NULL);
}
