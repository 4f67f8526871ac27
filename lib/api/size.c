// SPDX-License-Identifier: BSD-2-Clause
/* The texts for a size. */
#include <errno.h>
#include <inttypes.h>
#include <libutil.h>
#include <string.h>

#include "lib/api/shmap.h"

static int check_range(uint64_t value, uint64_t *bytes)
{
    if (value == 0 || value > INT64_MAX)
        return -ERANGE;
    *bytes = value;
    return 0;
}

static int parse_percentage(const char *text, uint64_t whole, uint64_t *bytes)
{
    int error;
    uint64_t percent = strtou(text, NULL, 10, 0, UINT64_MAX, &error);
    uint64_t part = whole % 100;
    uint64_t hundreds, rest, sum;

    if (error == ERANGE)
        return -ERANGE;
    // In parts, so that nothing overflows but what is out of range.
    rest = part * (percent / 100) + part * (percent % 100) / 100;
    if (__builtin_mul_overflow(whole / 100, percent, &hundreds) ||
        __builtin_add_overflow(hundreds, rest, &sum))
        return -ERANGE;
    return check_range(sum, bytes);
}

/* expand_number(3) does the arithmetic, but takes more than we promise: signs, octal and
 * hexadecimal numbers, further suffixes, and anything at all after a suffix. So the text is checked
 * first. */
int shmap_size_parse(const char *text, uint64_t whole, uint64_t *bytes)
{
    size_t digits = strspn(text, "0123456789");
    const char *suffix = text + digits;
    uint64_t value;

    if (digits == 0)
        return -EINVAL;
    if (strcmp(suffix, "%") == 0)
        return parse_percentage(text, whole, bytes);
    if (*suffix && (!strchr("kKmMgGtT", suffix[0]) || suffix[1] != '\0'))
        return -EINVAL;
    // A leading zero would make it octal.
    while (text[0] == '0' && text + 1 < suffix)
        text++;
    if (expand_number(text, &value) != 0)
        return -errno;
    return check_range(value, bytes);
}
