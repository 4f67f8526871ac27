// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/lifetime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"
#include "lib/object/xattr.h"

#define LAST_CLOSE "last-close"
#define LINGER     ",linger="

/* Reads the seconds after LINGER. */
static int parse_linger(const char *text, unsigned *seconds)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return -EINVAL;
    *seconds = (unsigned)strtoul(text, NULL, 10);
    return *seconds <= LIFETIME_LINGER_MAX ? 0 : -EINVAL;
}

int lifetime_parse(const char *text, size_t size, struct lifetime *lifetime)
{
    char copy[LIFETIME_TEXT_MAX];
    const char *rest = copy + strlen(LAST_CLOSE);

    *lifetime = (struct lifetime){ .last_close = false };
    if (size >= sizeof(copy) || memchr(text, '\0', size))
        return -EINVAL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    if (strcmp(copy, "mount") == 0)
        return 0;
    if (strncmp(copy, LAST_CLOSE, strlen(LAST_CLOSE)) != 0)
        return -EINVAL;
    lifetime->last_close = true;
    if (*rest == '\0')
        return 0;
    if (strncmp(rest, LINGER, strlen(LINGER)) != 0)
        return -EINVAL;
    return parse_linger(rest + strlen(LINGER), &lifetime->linger);
}

void lifetime_text(const struct lifetime *lifetime, char text[LIFETIME_TEXT_MAX])
{
    if (lifetime->last_close && lifetime->linger > 0)
        snprintf(text, LIFETIME_TEXT_MAX, LAST_CLOSE LINGER "%u", lifetime->linger);
    else
        strlcpy(text, lifetime->last_close ? LAST_CLOSE : "mount", LIFETIME_TEXT_MAX);
}

struct lifetime lifetime_get(int fd)
{
    char text[LIFETIME_TEXT_MAX];
    ssize_t length = xattr_get(fd, SHMAP_XATTR_LIFETIME, text, sizeof(text));
    struct lifetime lifetime;

    // What cannot be read must not be taken for a word that removes a file.
    if (length < 0 || lifetime_parse(text, (size_t)length, &lifetime) != 0)
        return (struct lifetime){ .last_close = false };
    return lifetime;
}

int lifetime_set(int fd, const struct lifetime *lifetime)
{
    char text[LIFETIME_TEXT_MAX];
    int error;

    if (!lifetime->last_close) {
        error = xattr_remove(fd, SHMAP_XATTR_LIFETIME);
        return error == -ENODATA ? 0 : error;
    }
    lifetime_text(lifetime, text);
    return xattr_set(fd, SHMAP_XATTR_LIFETIME, text, strlen(text), 0);
}
