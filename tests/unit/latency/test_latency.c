// SPDX-License-Identifier: BSD-2-Clause
/* Durations of requests: their scale, their quantiles, and their JSON. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/latency/latency.h"

/* Each duration is in the step whose bounds it is between, and no step is wider than a quarter. */
static void the_scale_has_no_gap(void **state)
{
    uint64_t begin = 0;

    (void)state;
    for (unsigned step = 0; step < DURATION_STEPS; step++) {
        uint64_t end = duration_step_end(step);

        assert_true(end > begin);
        assert_int_equal(duration_step(begin), step);
        assert_int_equal(duration_step(end - 1), step);
        if (step > 0 && step < DURATION_STEPS - 1)
            assert_true(end - begin <= begin / 4);
        begin = end;
    }
    assert_int_equal(duration_step(UINT64_MAX), DURATION_STEPS - 1);
}

static void quantiles_are_bounds(void **state)
{
    uint64_t of[DURATION_STEPS] = { 0 };

    (void)state;
    assert_int_equal(latency_percentile(of, 50), 0);
    of[duration_step(14000)] = 98;
    of[duration_step(3000000)] = 2;
    assert_int_equal(latency_count(of), 100);
    assert_in_range(latency_percentile(of, 50), 14000, 14000 * 5 / 4);
    assert_in_range(latency_percentile(of, 99), 3000000, 3000000 * 5 / 4);
    assert_in_range(latency_percentile(of, 0), 14000, 14000 * 5 / 4);
    of[DURATION_STEPS - 1] = 1000;
    assert_int_equal(latency_percentile(of, 100), UINT64_C(1) << DURATION_LONGEST);
}

static void there_and_back(void **state)
{
    const struct latencies latencies = {
        .pid = 7,
        .count = 2,
        .all = { { "LOOKUP", { [0] = 1, [1] = UINT64_MAX, [DURATION_STEPS - 1] = 3 } },
                 { "OPEN", { 0 } } }
    };
    struct latencies again;
    char *json = latencies_to_json(&latencies);

    (void)state;
    assert_string_equal(
        json, "{\"pid\":7,\"latencies\":{\"LOOKUP\":[[1024,1],[1280,18446744073709551615],"
              "[18446744073709551615,3]],\"OPEN\":[]}}");
    assert_int_equal(latencies_from_json(json, &again), 0);
    assert_memory_equal(&again, &latencies, sizeof(latencies));
    assert_int_equal(latency_of(&again, "LOOKUP")->of[0], 1);
    assert_null(latency_of(&again, "READ"));
    free(json);
}

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = { "",
                                         "[]",
                                         "{\"pid\":7}",
                                         "{\"pid\":7,\"latencies\":[]}",
                                         "{\"pid\":7,\"latencies\":{\"OPEN\":1}}",
                                         "{\"pid\":7,\"latencies\":{\"OPEN\":[1]}}",
                                         "{\"pid\":7,\"latencies\":{\"OPEN\":[[1]]}}",
                                         "{\"pid\":7,\"latencies\":{\"OPEN\":[[1,\"2\"]]}}" };
    struct latencies latencies;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(latencies_from_json(texts[i], &latencies), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scale_has_no_gap),
        cmocka_unit_test(quantiles_are_bounds),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
