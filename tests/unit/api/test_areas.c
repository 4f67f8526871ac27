// SPDX-License-Identifier: BSD-2-Clause
/* The areas that directories have for themselves, as JSON. */
#include "tests/unit/unit.h"

#include "lib/api/shmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void areas_survive_json(void **state)
{
    (void)state;
    struct shmap_own_area areas[2] = { { .directory = "a/b \\ \"c\"",
                                         .words = "size=1g,noswap",
                                         .huge = "never",
                                         .size = 1 << 30,
                                         .used = 4096,
                                         .inodes = 100,
                                         .inodes_used = 3 } };
    struct shmap_own_area *again;
    size_t count;
    memset(areas[1].directory, 'x', sizeof(areas[1].directory) - 1);
    char *json = shmap_areas_to_json(areas, 2);
    assert_non_null(json);
    assert_int_equal(shmap_areas_from_json(json, &again, &count), 0);
    assert_int_equal(count, 2);
    assert_memory_equal(again, areas, sizeof(areas));
    free(again);
    free(json);
    json = shmap_areas_to_json(NULL, 0);
    assert_string_equal(json, "[]");
    free(json);
}

static void an_attribute_has_room_for_the_areas(void **state)
{
    (void)state;
    struct shmap_own_area *areas = calloc(100, sizeof(*areas)), *again;
    size_t count;
    for (int i = 0; i < 100; i++)
        memset(areas[i].directory, i % 2 ? '\n' : 'x', 1000);
    char *json = shmap_areas_to_json(areas, 100);
    assert_in_range(strlen(json), 32768, 65536);
    assert_int_equal(shmap_areas_from_json(json, &again, &count), 0);
    assert_in_range(count, 30, 99);
    free(again);
    free(json);
    free(areas);
}

static void other_json_is_no_areas(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "{}", "[", "[1]", "[{}]", "[] 1", "[{\"directory\":1}]", "null"
    };
    struct shmap_own_area *areas;
    size_t count;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(shmap_areas_from_json(wrong[i], &areas, &count), -EPROTO);
        assert_null(areas);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(areas_survive_json),
        cmocka_unit_test(an_attribute_has_room_for_the_areas),
        cmocka_unit_test(other_json_is_no_areas),
    };
    return cmocka_run_group_tests_name("areas", tests, NULL, NULL);
}
