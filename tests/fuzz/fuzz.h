// SPDX-License-Identifier: BSD-2-Clause
/*
 * A fuzz target is one function that gets any bytes, and aborts where a promise does not hold. A
 * build with -Dfuzzer=true has libFuzzer call it with bytes of its own making; all others have
 * driver.c call it with the files of tests/fuzz/corpus.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says which promise does not hold, with the text that shows it, and aborts. */
#define MUST(condition, text)                                                                 \
    do {                                                                                      \
        if (!(condition)) {                                                                   \
            fprintf(stderr, "%s:%d: not so: %s: %s\n", __FILE__, __LINE__, #condition, text); \
            abort();                                                                          \
        }                                                                                     \
    } while (0)

/* Copies the bytes up to a NUL into a string of just that length, for free(). */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    MUST(text != NULL, "out of memory");
    return text;
}

#endif
