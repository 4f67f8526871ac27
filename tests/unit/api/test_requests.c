// SPDX-License-Identifier: BSD-2-Clause
/* Counts of requests as JSON, and back. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"

static void there_and_back(void **state)
{
    const struct shmap_requests counts = { .pid = 7,
                                           .count = 2,
                                           .all = { { "LOOKUP", UINT64_MAX }, { "OPEN", 1 } } };
    struct shmap_requests again;
    char *json = shmap_requests_to_json(&counts);

    (void)state;
    assert_string_equal(json,
                        "{\"pid\":7,\"requests\":{\"LOOKUP\":18446744073709551615,\"OPEN\":1}}");
    assert_int_equal(shmap_requests_from_json(json, &again), 0);
    assert_memory_equal(&again, &counts, sizeof(counts));
    free(json);
}

static void nonsense_is_refused(void **state)
{
    static const char *const texts[] = { "",
                                         "[]",
                                         "{}",
                                         "{\"pid\":7}",
                                         "{\"pid\":\"7\",\"requests\":{}}",
                                         "{\"pid\":7,\"requests\":[]}",
                                         "{\"pid\":7,\"requests\":{\"OPEN\":\"1\"}}",
                                         "{\"pid\":7,\"requests\":{\"OPEN\":1}" };
    struct shmap_requests counts;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_int_equal(shmap_requests_from_json(texts[i], &counts), -EPROTO);
}

static void what_has_no_room_is_left_out(void **state)
{
    char json[4096] = "{\"pid\":7,\"later\":1,\"requests\":{\"A_NAME_OF_MORE_THAN_23_LETTERS\":1";
    struct shmap_requests counts;

    (void)state;
    for (unsigned i = 0; i < SHMAP_REQUEST_KINDS + 10; i++)
        snprintf(json + strlen(json), sizeof(json) - strlen(json), ",\"K%u\":%u", i, i);
    strcat(json, "}}");
    assert_int_equal(shmap_requests_from_json(json, &counts), 0);
    assert_int_equal(counts.count, SHMAP_REQUEST_KINDS);
    assert_string_equal(counts.all[0].name, "K0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(what_has_no_room_is_left_out),
    };
    return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
