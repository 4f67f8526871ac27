// SPDX-License-Identifier: BSD-2-Clause
/*
 * Texts from elsewhere, such as the names that users give to files, as a line may show them.
 *
 * Each byte that is not part of a printable character, and each backslash, becomes a backslash with
 * three octal digits. So the line stays one line, does nothing to a terminal, and can be reversed.
 */
#ifndef SHMAP_ESCAPE_H
#define SHMAP_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#define ESCAPE_GROWTH 4 // bytes that one byte can become

/* Writes as much of the text as fits, and a NUL, into `size` bytes. With `utf8` the characters of
 * UTF-8 are printable, otherwise those of ASCII alone. Returns the length. Allocates nothing. */
size_t escape_text(const char *text, bool utf8, char *escaped, size_t size);

#endif
