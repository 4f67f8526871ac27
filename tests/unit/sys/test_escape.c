// SPDX-License-Identifier: BSD-2-Clause
/* Escaping, beyond what test_log.c shows of it. */
#include "tests/unit/unit.h"

#include <string.h>

#include "lib/sys/escape.h"

static void what_ascii_cannot_print_is_escaped_without_utf8(void **state)
{
    char escaped[64];

    (void)state;
    assert_int_equal(escape_text("ä\n\\z", false, escaped, sizeof(escaped)), 17);
    assert_string_equal(escaped, "\\303\\244\\012\\134z");
    assert_int_equal(escape_text("ä\n\\z", true, escaped, sizeof(escaped)), 11);
    assert_string_equal(escaped, "ä\\012\\134z");
}

static void a_text_is_cut_between_characters(void **state)
{
    char escaped[8];

    (void)state;
    assert_int_equal(escape_text("12345ä", true, escaped, sizeof(escaped)), 7);
    assert_string_equal(escaped, "12345ä");
    assert_int_equal(escape_text("123456ä", true, escaped, sizeof(escaped)), 6);
    assert_string_equal(escaped, "123456");
    assert_int_equal(escape_text("1234\n", true, escaped, sizeof(escaped)), 4);
    assert_string_equal(escaped, "1234");
    assert_int_equal(escape_text("1", true, escaped, 1), 0);
    assert_string_equal(escaped, "");
}

static void room_for_the_growth_is_enough(void **state)
{
    char escaped[3 * ESCAPE_GROWTH + 1];

    (void)state;
    assert_int_equal(escape_text("\n\n\n", true, escaped, sizeof(escaped)), 3 * ESCAPE_GROWTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_ascii_cannot_print_is_escaped_without_utf8),
        cmocka_unit_test(a_text_is_cut_between_characters),
        cmocka_unit_test(room_for_the_growth_is_enough),
    };
    return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
