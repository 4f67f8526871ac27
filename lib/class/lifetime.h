// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lifetime of a file in a RAM area, as the attribute SHMAP_XATTR_LIFETIME of the file itself:
 * «last-close», or «last-close,linger=SECONDS». Without the attribute a file lives as long as the
 * mount. A directory has it for what is created in it later, and a class root also in the store,
 * for the mounts to come.
 */
#ifndef SHMAP_LIFETIME_H
#define SHMAP_LIFETIME_H

#include <stdbool.h>
#include <stddef.h>

#define LIFETIME_LINGER_MAX 86400
#define LIFETIME_TEXT_MAX   48

struct lifetime {
    bool last_close;
    unsigned linger; // seconds; only then
};

/* Reads a lifetime from a text, which need not end with a NUL. Returns 0 or -EINVAL. */
int lifetime_parse(const char *text, size_t size, struct lifetime *lifetime);

/* Writes a lifetime as lifetime_parse() reads it. */
void lifetime_text(const struct lifetime *lifetime, char text[LIFETIME_TEXT_MAX]);

/* Returns the lifetime of what a descriptor (O_PATH will do) stands for. */
struct lifetime lifetime_get(int fd);

/* Gives it a lifetime. Returns 0 or a negative errno. */
int lifetime_set(int fd, const struct lifetime *lifetime);

#endif
