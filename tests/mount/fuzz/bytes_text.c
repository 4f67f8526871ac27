// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/bytes_text.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

enum { LONGEST_RUN_TEXT = 32, CHECKSUM_TEXT = 32 };

/* FNV-1a. */
static uint64_t checksum(const unsigned char *bytes, size_t count)
{
    uint64_t sum = UINT64_C(0xCBF29CE484222325);

    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * UINT64_C(0x100000001B3);
    return sum;
}

void bytes_text(const void *bytes, size_t count, char *text, size_t size)
{
    const unsigned char *all = bytes;
    size_t done = 0, length = 0;

    text[0] = '\0';
    while (done < count && length + LONGEST_RUN_TEXT + CHECKSUM_TEXT < size) {
        size_t run = 1;
        while (done + run < count && all[done + run] == all[done])
            run++;
        length += (size_t)snprintf(text + length, size - length, " %02x*%zu", all[done], run);
        done += run;
    }
    if (done < count)
        snprintf(text + length, size - length, " ...%016" PRIx64,
                 checksum(all + done, count - done));
}
