// SPDX-License-Identifier: BSD-2-Clause
/* The requests that were served between two looks. */
#include "tests/unit/unit.h"

#include "tools/top/rates.h"

enum { SHORT = 20, LONG = 60 }; // steps of the scale

static const struct counts first = {
    .requests = { .pid = 7, .count = 2, .all = { { "LOOKUP", 10 }, { "GETATTR", 100 } } },
    .latencies = { .pid = 7, .count = 1, .all = { { "LOOKUP", { [LONG] = 10 } } } },
};
static const struct counts second = {
    .requests = { .pid = 7,
                  .count = 3,
                  .all = { { "GETATTR", 101 }, { "LOOKUP", 30 }, { "OPEN", 5 } } },
    .latencies = { .pid = 7, .count = 1, .all = { { "LOOKUP", { [SHORT] = 19, [LONG] = 11 } } } },
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
    struct counts other = second;
    struct rates rates;

    (void)state;
    other.requests.pid = other.latencies.pid = 8;
    rates_between(&first, &other, 1, &rates);
    assert_true(rates.restarted);
    assert_string_equal(rates.all[0].name, "GETATTR");
    assert_true(rates.all[0].per_second == 101);
    // 19 of 30 were short.
    assert_string_equal(rates.all[1].name, "LOOKUP");
    assert_int_equal(rates.all[1].median, duration_step_end(SHORT));
    assert_int_equal(rates.all[1].p99, duration_step_end(LONG));
}

/* One of the 20 between the looks was long. */
static void durations_are_those_between(void **state)
{
    struct rates rates;

    (void)state;
    rates_between(&first, &second, 2, &rates);
    assert_string_equal(rates.all[0].name, "LOOKUP");
    assert_int_equal(rates.all[0].median, duration_step_end(SHORT));
    assert_int_equal(rates.all[0].p99, duration_step_end(SHORT));
    // Nothing is known of the others.
    assert_int_equal(rates.all[1].median, 0);
    assert_int_equal(rates.all[1].p99, 0);
}

static void the_first_look_has_no_rates(void **state)
{
    const struct counts nothing = { .requests.pid = 0 };
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
        cmocka_unit_test(durations_are_those_between),
        cmocka_unit_test(the_first_look_has_no_rates),
    };
    return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
