// SPDX-License-Identifier: BSD-2-Clause
/*
 * Edits of a memory as a text, so that inputs can be read and written by hand. A line «PART OFFSET
 * VALUE» sets one byte of a part of the memory; a part is a letter, the numbers are decimal, or
 * hexadecimal with 0x. Anything else is passed over.
 */
#ifndef FUZZ_EDITS_H
#define FUZZ_EDITS_H

#include "tests/fuzz/fuzz.h"

#define EDITS_MAX 64

struct fuzz_part {
    char letter;
    void *at;
    size_t bytes;
};

static inline const struct fuzz_part *find_part(const struct fuzz_part *parts, char letter)
{
    for (; parts->letter != '\0'; parts++) {
        if (parts->letter == letter)
            return parts->bytes > 0 ? parts : NULL;
    }
    return NULL;
}

/* Carries out the edits up to the end of the text or a line that begins with `stop`. Returns what
 * follows. The list of parts ends with one without a letter. */
static inline const char *make_edits(const struct fuzz_part *parts, const char *text, char stop)
{
    for (int count = 0; *text != '\0' && *text != stop; count++) {
        char letter;
        long offset;
        int value;
        if (count < EDITS_MAX && sscanf(text, "%c %li %i", &letter, &offset, &value) == 3) {
            const struct fuzz_part *part = find_part(parts, letter);
            if (part != NULL)
                ((uint8_t *)part->at)[(size_t)offset % part->bytes] = (uint8_t)value;
        }
        text = strchrnul(text, '\n');
        text += *text == '\n';
    }
    return text;
}

#endif
