// SPDX-License-Identifier: BSD-2-Clause
#include "lib/sys/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_control(uint32_t code)
{
    return code < ' ' || (code >= 0x7f && code < 0xa0);
}

/* Returns how many bytes a sequence of UTF-8 with this first byte has; 0: none begins with it. */
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc0 || first >= 0xf8)
        return 0;
    return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Returns how many bytes at `text` make up one printable character of UTF-8; 0: none do. */
static size_t printable_length(const unsigned char *text)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    size_t length = sequence_length(*text);
    uint32_t code = length == 1 ? *text : *text & (0x7fU >> length);

    // A byte that does not belong, be it the NUL at the end, ends the loop.
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (length == 0 || code < least[length] || code > 0x10ffff || is_control(code))
        return 0;
    // The halves of UTF-16's pairs are no characters.
    return code >= 0xd800 && code < 0xe000 ? 0 : length;
}

size_t escape_text(const char *text, bool utf8, char *escaped, size_t size)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t used = 0;

    while (*from) {
        bool plain = *from != '\\' && (utf8 || *from < 0x80);
        size_t length = plain ? printable_length(from) : 0;
        char octal[5];
        const char *piece = (const char *)from;
        size_t piece_length = length;

        if (length == 0) {
            piece_length = (size_t)snprintf(octal, sizeof(octal), "\\%03o", *from);
            piece = octal;
        }
        if (used + piece_length >= size)
            break;
        memcpy(escaped + used, piece, piece_length);
        used += piece_length;
        from += length ? length : 1;
    }
    escaped[used] = '\0';
    return used;
}
