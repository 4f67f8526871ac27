// SPDX-License-Identifier: BSD-2-Clause
/* The largest files of a summary. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "tools/summary/summary.h"

static struct summary make(size_t most)
{
    return (struct summary){ .largest = calloc(most + 1, sizeof(struct large_file)), .most = most };
}

static void the_largest_stay_in_order(void **state)
{
    static const uint64_t sizes[] = { 3, 9, 1, 7, 9, 5 };
    static const char *const paths[] = { "three", "nine", "one", "seven", "other nine", "five" };
    static const char *const wanted[] = { "nine", "other nine", "seven" };

    (void)state;
    struct summary summary = make(3);
    for (size_t i = 0; i < COUNT(sizes); i++)
        summary_take(&summary, paths[i], sizes[i], 0, SHMAP_ANON);
    assert_int_equal(summary.count, 3);
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_string_equal(summary.largest[i].path, wanted[i]);
    summary_free(&summary);
}

static void none_may_be_wanted(void **state)
{
    (void)state;
    struct summary summary = make(0);
    summary_take(&summary, "file", 1, 1, SHMAP_PERSIST);
    assert_int_equal(summary.count, 0);
    summary_free(&summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_stay_in_order),
        cmocka_unit_test(none_may_be_wanted),
    };
    return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
