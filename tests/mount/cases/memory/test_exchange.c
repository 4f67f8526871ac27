// SPDX-License-Identifier: BSD-2-Clause
// The promise that everything else serves: no write is lost between processes that share an object.
#include "tests/mount/cases/memory/exchange.h"
#include "tests/mount/harness/harness.h"

static void no_store_is_lost_in_300_runs(void **state)
{
    (void)state;
    assert_int_equal(exchange_runs(300), 300);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(no_store_is_lost_in_300_runs),
};

HARNESS_MAIN("exchange", cases)
