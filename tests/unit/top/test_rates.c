// SPDX-License-Identifier: BSD-2-Clause
/* What was served between two looks. */
#include "tests/unit/unit.h"

#include "tools/top/rates.h"

static const struct shmap_requests first = { .pid = 7,
                                             .count = 2,
                                             .all = { { "LOOKUP", 10 }, { "GETATTR", 100 } } };
static const struct shmap_requests second = {
    .pid = 7, .count = 3, .all = { { "GETATTR", 101 }, { "LOOKUP", 30 }, { "OPEN", 5 } }
};

static void the_busiest_comes_first(void **state)
{
    struct rates rates;

    (void)state;
    rates_between(&first, &second, 2, &rates);
    assert_false(rates.restarted);
    assert_int_equal(rates.count, 3);
    assert_string_equal(rates.all[0].name, "LOOKUP");
    assert_true(rates.all[0].per_second == 10);
    assert_int_equal(rates.all[0].served, 30);
    assert_string_equal(rates.all[1].name, "OPEN");
    assert_true(rates.all[1].per_second == 2.5);
    assert_true(rates.all[2].per_second == 0.5);
}

static void another_worker_counts_anew(void **state)
{
    struct shmap_requests other = second;
    struct rates rates;

    (void)state;
    other.pid = 8;
    rates_between(&first, &other, 1, &rates);
    assert_true(rates.restarted);
    assert_string_equal(rates.all[0].name, "GETATTR");
    assert_true(rates.all[0].per_second == 101);
}

static void the_first_look_has_no_rates(void **state)
{
    const struct shmap_requests nothing = { .pid = 0 };
    struct rates rates;

    (void)state;
    rates_between(&nothing, &second, 1, &rates);
    assert_false(rates.restarted);
    assert_string_equal(rates.all[0].name, "GETATTR");
    assert_true(rates.all[0].per_second == 0);
    rates_between(&first, &second, 0, &rates);
    assert_true(rates.all[0].per_second == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_busiest_comes_first),
        cmocka_unit_test(another_worker_counts_anew),
        cmocka_unit_test(the_first_look_has_no_rates),
    };
    return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
