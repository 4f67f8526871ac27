// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/unit.h"

#include "lib/api/shmap.h"

#include <errno.h>

#define UNTOUCHED UINT64_C(0xdeadbeef)

static void assert_size(const char *text, uint64_t whole, uint64_t expected)
{
    uint64_t bytes = UNTOUCHED;
    int error = shmap_size_parse(text, whole, &bytes);
    if (error != 0 || bytes != expected)
        fail_msg("'%s' of %ju: %d, %ju instead of %ju", text, (uintmax_t)whole, error,
                 (uintmax_t)bytes, (uintmax_t)expected);
}

static void assert_refused(const char *text, uint64_t whole, int expected)
{
    uint64_t bytes = UNTOUCHED;
    int error = shmap_size_parse(text, whole, &bytes);
    if (error != expected || bytes != UNTOUCHED)
        fail_msg("'%s': %d instead of %d, and %ju", text, error, expected, (uintmax_t)bytes);
}

static void plain_numbers_are_bytes(void **state)
{
    (void)state;
    assert_size("1", 0, 1);
    assert_size("4096", 0, 4096);
    assert_size("9223372036854775807", 0, INT64_MAX);
}

static void suffixes_are_powers_of_1024_in_either_case(void **state)
{
    (void)state;
    assert_size("3k", 0, 3 * UINT64_C(1024));
    assert_size("3K", 0, 3 * UINT64_C(1024));
    assert_size("3m", 0, 3 * UINT64_C(1) << 20);
    assert_size("3M", 0, 3 * UINT64_C(1) << 20);
    assert_size("3g", 0, 3 * UINT64_C(1) << 30);
    assert_size("3G", 0, 3 * UINT64_C(1) << 30);
    assert_size("3t", 0, 3 * UINT64_C(1) << 40);
    assert_size("3T", 0, 3 * UINT64_C(1) << 40);
}

static void leading_zeros_do_not_make_it_octal(void **state)
{
    (void)state;
    assert_size("010", 0, 10);
    assert_size("0010k", 0, 10 * UINT64_C(1024));
    assert_size("09", 0, 9);
    assert_size("050%", 1000, 500);
}

static void a_percentage_is_of_the_whole(void **state)
{
    (void)state;
    assert_size("50%", 1000, 500);
    assert_size("100%", 12345, 12345);
    assert_size("150%", 1000, 1500);
    assert_size("1%", 199, 1);
    assert_size("33%", 100, 33);
    assert_size("100%", INT64_MAX, INT64_MAX);
    assert_size("99%", INT64_MAX, 9131138316486228048);
    assert_size("200000000000000000%", 4095, 8190000000000000000);
}

static void nothing_is_out_of_range(void **state)
{
    (void)state;
    assert_refused("0", 1000, -ERANGE);
    assert_refused("000", 1000, -ERANGE);
    assert_refused("0k", 1000, -ERANGE);
    assert_refused("0%", 1000, -ERANGE);
    assert_refused("1%", 99, -ERANGE);
    assert_refused("50%", 0, -ERANGE);
}

static void overflow_is_out_of_range(void **state)
{
    (void)state;
    assert_refused("9223372036854775808", 0, -ERANGE);
    assert_refused("18446744073709551615", 0, -ERANGE);
    assert_refused("18446744073709551616", 0, -ERANGE);
    assert_refused("18446744073709551617k", 0, -ERANGE);
    assert_refused("99999999999999999999999999999999", 0, -ERANGE);
    assert_refused("9007199254740992k", 0, -ERANGE);  /* 2^63 */
    assert_refused("8388608t", 0, -ERANGE);           /* 2^63 */
    assert_refused("18014398509481985k", 0, -ERANGE); /* 2^64 + 1024 */
    assert_refused("16777217t", 0, -ERANGE);          /* 2^64 + 2^40 */
    assert_refused("101%", INT64_MAX, -ERANGE);
    assert_refused("18446744073709551615%", 1000, -ERANGE);
    assert_refused("18446744073709551616%", 1, -ERANGE);
    assert_refused("99999999999999999999999999999999%", 1, -ERANGE);
}

static void the_largest_that_fit_are_taken(void **state)
{
    (void)state;
    assert_size("9007199254740991k", 0, INT64_MAX - 1023);
    assert_size("8388607t", 0, INT64_MAX - ((INT64_C(1) << 40) - 1));
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",   " ",   "k",   "%",   "-1",   "+1",   " 1",  "1 ",  "1 k",  "1kk",   "1kB", "1KiB",
        "1b", "1e",  "1p",  "1x",  "0x10", "1.5g", "1,5", "1e3", "five", "1k5k",  "1%%", "1k%",
        "%1", "1%k", "-1%", "1\n", "1k\n", "\t1",  "inf", "nan", "--",   "1m,2m", "1/2", "١",
    };
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_refused(texts[i], 1000, -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_numbers_are_bytes),
        cmocka_unit_test(suffixes_are_powers_of_1024_in_either_case),
        cmocka_unit_test(leading_zeros_do_not_make_it_octal),
        cmocka_unit_test(a_percentage_is_of_the_whole),
        cmocka_unit_test(nothing_is_out_of_range),
        cmocka_unit_test(overflow_is_out_of_range),
        cmocka_unit_test(the_largest_that_fit_are_taken),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests_name("size", tests, NULL, NULL);
}
