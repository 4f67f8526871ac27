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

/* What a kernel may send that this knows nothing of. */
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
        cmocka_unit_test(unknown_ones_are_counted),
    };
    return cmocka_run_group_tests_name("request_counts", tests, NULL, NULL);
}
