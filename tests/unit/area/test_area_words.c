// SPDX-License-Identifier: BSD-2-Clause
/* The properties of a RAM area, in words; and the value of anon=, which has them, too. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/area/anon_list.h"

static void assert_printed(const char *text, const char *printed)
{
    struct area_words words;
    char again[AREA_WORDS_MAX];

    assert_int_equal(area_words_parse(text, &words), 0);
    assert_int_equal(area_words_print(&words, again), 0);
    assert_string_equal(again, printed);
}

static void words_come_back(void **state)
{
    (void)state;
    assert_printed("size=1g", "size=1g");
    assert_printed("noswap,huge=never,size=25%", "size=25%,huge=never,noswap");
    assert_printed("mpol=bind=static:0-3,nr_inodes=10k", "nr_inodes=10k,mpol=bind=static:0-3");
    assert_printed("size=1g,size=2g", "size=2g");
}

static void others_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",          ",",      "size",         "size=", "size=1x",  "noswap=",  "huge=",
        "huge=none", "mode=1", "nr_inodes=1%", "mpol=", "mpol=a\n", "size=1g,", " size=1g"
    };
    struct area_words words;
    char text[2 * AREA_WORDS_MAX];

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(area_words_parse(wrong[i], &words), -EINVAL);
    assert_int_equal(area_words_parse("size=0", &words), -ERANGE);
    assert_int_equal(area_words_parse("size=1", &words), -ERANGE);
    memset(text, 'a', sizeof(text));
    memcpy(text, "mpol=", 5);
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(area_words_parse(text, &words), -EINVAL);
    text[120] = '\0';
    assert_int_equal(area_words_parse(text, &words), -EINVAL);
}

static void changes_replace_words(void **state)
{
    (void)state;
    struct area_words words, changes;
    char text[AREA_WORDS_MAX];

    assert_int_equal(area_words_parse("size=1g,huge=never", &words), 0);
    assert_int_equal(area_words_parse("size=2g,noswap", &changes), 0);
    area_words_merge(&words, &changes);
    assert_int_equal(area_words_print(&words, text), 0);
    assert_string_equal(text, "size=2g,huge=never,noswap");
}

static void options_and_changes_follow(void **state)
{
    (void)state;
    struct ram_options options = { .huge = "always" };
    struct ram_changes ram = { .size = 0 };
    struct area_words words;
    char *policy;

    assert_int_equal(area_words_parse("size=8m,nr_inodes=2k,mpol=local", &words), 0);
    assert_int_equal(area_words_options(&words, &options), 0);
    assert_true(options.size == 8 << 20 && options.inodes == 2048);
    assert_string_equal(options.huge, "always");
    assert_string_equal(options.parameters, "mpol=local");
    assert_int_equal(area_words_changes(&words, &ram, &policy), 0);
    assert_true(ram.size == 8 << 20 && ram.inodes == 2048 && ram.huge == NULL);
    assert_string_equal(ram.words, "mpol=local");
    free(options.parameters);
    free(policy);
    assert_int_equal(area_words_parse("noswap", &words), 0);
    options.parameters = NULL;
    assert_int_equal(area_words_options(&words, &options), -EINVAL);
}

static void assert_item(const char **text, const char *path, const char *words)
{
    struct anon_item item;
    char printed[AREA_WORDS_MAX];

    assert_int_equal(anon_list_next(text, &item), 1);
    assert_int_equal(item.path_length, strlen(path));
    assert_memory_equal(item.path, path, strlen(path));
    assert_int_equal(item.has_words, words != NULL);
    assert_int_equal(area_words_print(&item.words, printed), 0);
    assert_string_equal(printed, words ? words : "");
}

static void names_have_words(void **state)
{
    (void)state;
    const char *text = "a:b/c:size=1g:noswap:noswap/:size=1g/:mpol:d:mpol=bind:0-3:size=2m:"
                       "mpol=bind:0/x:e:size=1m:mpol=local:3d";

    assert_item(&text, "a", NULL);
    assert_item(&text, "b/c", "size=1g,noswap");
    assert_item(&text, "noswap/", NULL);
    assert_item(&text, "size=1g/", NULL);
    assert_item(&text, "mpol", NULL);
    // The word after a policy gives its nodes, unless it looks like a name.
    assert_item(&text, "d", "size=2m,mpol=bind");
    assert_item(&text, "0/x", NULL);
    assert_item(&text, "e", "size=1m,mpol=local");
    assert_item(&text, "3d", NULL);
    assert_null(text);
    struct anon_item item;
    assert_int_equal(anon_list_next(&text, &item), 0);
}

static void assert_wrong(const char *text, int error, const char *wrong)
{
    struct anon_item item;

    assert_int_equal(anon_list_next(&text, &item), error);
    assert_int_equal(item.wrong_length, strlen(wrong));
    assert_memory_equal(item.wrong, wrong, strlen(wrong));
}

static void wrong_words_are_named(void **state)
{
    (void)state;
    assert_wrong("size=1g:a", -EINVAL, "size=1g");
    assert_wrong("a:size=x:b", -EINVAL, "size=x");
    assert_wrong("a:size=0", -ERANGE, "size=0");
    assert_wrong("a:noswap:b", -ENODATA, "noswap");
    assert_wrong("a:huge=yes:size=1g", -EINVAL, "huge=yes");
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(words_come_back),       cmocka_unit_test(others_are_refused),
        cmocka_unit_test(changes_replace_words), cmocka_unit_test(options_and_changes_follow),
        cmocka_unit_test(names_have_words),      cmocka_unit_test(wrong_words_are_named),
    };

    return cmocka_run_group_tests_name("area words", cases, NULL, NULL);
}
