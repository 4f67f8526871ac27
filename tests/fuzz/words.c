// SPDX-License-Identifier: BSD-2-Clause
/* Class words and size words: the input is one of them. */
#include <errno.h>
#include <inttypes.h>

#include "lib/api/shmap.h"
#include "tests/fuzz/fuzz.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)

__extension__ typedef unsigned __int128 wide;
#define WIDE_MAX ((wide)1 << 100) /* stands for all that is larger */

static void try_class(const char *word, size_t length)
{
    enum shmap_class which = SHMAP_CLASSES;
    int error = shmap_class_parse(word, length, &which);
    MUST(error == 0 || (error == -EINVAL && which == SHMAP_CLASSES), word);
    if (error == 0) {
        const char *name = shmap_class_name(which);
        MUST(strlen(name) == length && memcmp(name, word, length) == 0, name);
    }
}

static wide limited(wide value)
{
    return value < WIDE_MAX ? value : WIDE_MAX;
}

/* Reads a size as the header says, with numbers that do not overflow. */
static int expect_size(const char *text, uint64_t whole, uint64_t *bytes)
{
    static const char units[] = "kmgt";
    size_t digits = strspn(text, "0123456789");
    const char *suffix = text + digits;
    wide value = 0;
    for (size_t i = 0; i < digits; i++)
        value = limited(value * 10 + (wide)(text[i] - '0'));
    if (digits == 0 || (suffix[0] != '\0' && suffix[1] != '\0'))
        return -EINVAL;
    if (*suffix == '%') {
        value = value <= UINT64_MAX ? whole * value / 100 : WIDE_MAX;
    } else if (*suffix != '\0') {
        const char *unit = strchr(units, *suffix | 0x20);
        if (unit == NULL || *suffix < 'A')
            return -EINVAL;
        for (; unit >= units; unit--)
            value = limited(value * 1024);
    }
    if (value == 0 || value > INT64_MAX)
        return -ERANGE;
    *bytes = (uint64_t)value;
    return 0;
}

static void try_size(const char *text, uint64_t whole)
{
    uint64_t bytes = UNTOUCHED, expected = UNTOUCHED;
    int error = shmap_size_parse(text, whole, &bytes);
    MUST(error == expect_size(text, whole, &expected), text);
    MUST(bytes == expected, text);
    if (error == 0) {
        char again[32];
        uint64_t same;
        snprintf(again, sizeof(again), "%" PRIu64, bytes);
        MUST(shmap_size_parse(again, 0, &same) == 0 && same == bytes, text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t wholes[] = {
        0, 1, 99, 4096, INT64_MAX, UINT64_C(68719476736), INT64_MAX + UINT64_C(1), UINT64_MAX
    };
    char *text = fuzz_text(data, size);
    char *end = strchrnul(text, '\n'); /* of the line that an editor makes of the word */
    try_class((const char *)data, size);
    try_class((const char *)data, (size_t)(end - text));
    *end = '\0';
    for (size_t i = 0; i < sizeof(wholes) / sizeof(wholes[0]); i++)
        try_size(text, wholes[i]);
    free(text);
    return 0;
}
