// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include "lib/api/shmap.h"

#include <errno.h>
#include <string.h>

static void names_are_the_documented_words(void **state)
{
    (void)state;
    assert_string_equal(shmap_class_name(SHMAP_PERSIST), "persist");
    assert_string_equal(shmap_class_name(SHMAP_ANON), "anon");
    assert_string_equal(shmap_class_name(SHMAP_ATOMIC), "atomic");
    assert_string_equal(shmap_class_name(SHMAP_CHECKPOINT), "checkpoint");
}

static void every_name_is_parsed_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SHMAP_CLASSES; i++) {
        const char *name = shmap_class_name((enum shmap_class)i);
        enum shmap_class class = (enum shmap_class)((i + 1) % SHMAP_CLASSES);
        assert_int_equal(shmap_class_parse(name, strlen(name), &class), 0);
        assert_int_equal(class, i);
    }
}

static void only_length_bytes_are_read(void **state)
{
    (void)state;
    enum shmap_class class = SHMAP_PERSIST;
    assert_int_equal(shmap_class_parse("anonymous", 4, &class), 0);
    assert_int_equal(class, SHMAP_ANON);
    const char unterminated[4] = { 'a', 'n', 'o', 'n' };
    assert_int_equal(shmap_class_parse(unterminated, sizeof(unterminated), &class), 0);
}

static void other_words_are_refused(void **state)
{
    (void)state;
    static const char *const words[] = { "",     "a",       "ano",         "anonymous",
                                         "Anon", "ANON",    " anon",       "anon\n",
                                         "none", "unknown", "persist,anon" };
    enum shmap_class class = SHMAP_ATOMIC;
    for (size_t i = 0; i < COUNT(words); i++)
        assert_int_equal(shmap_class_parse(words[i], strlen(words[i]), &class), -EINVAL);
    assert_int_equal(shmap_class_parse("anon", 5, &class), -EINVAL); /* the NUL is no part of it */
    assert_int_equal(class, SHMAP_ATOMIC);
}

static void a_number_that_is_no_class_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(shmap_class_name((enum shmap_class)SHMAP_CLASSES), "unknown");
    assert_string_equal(shmap_class_name((enum shmap_class) - 1), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_the_documented_words),
        cmocka_unit_test(every_name_is_parsed_back),
        cmocka_unit_test(only_length_bytes_are_read),
        cmocka_unit_test(other_words_are_refused),
        cmocka_unit_test(a_number_that_is_no_class_has_a_name),
    };
    return cmocka_run_group_tests_name("class", tests, NULL, NULL);
}
