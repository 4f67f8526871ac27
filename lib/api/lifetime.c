// SPDX-License-Identifier: BSD-2-Clause
/* The texts for a lifetime. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"

#define LAST_CLOSE "last-close"
#define LINGER     ",linger="

/* Reads the seconds after LINGER. */
static int parse_linger(const char *text, uint32_t *seconds)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '\0')
        return -EINVAL;
    *seconds = (uint32_t)strtoul(text, NULL, 10);
    return *seconds <= SHMAP_LINGER_MAX ? 0 : -EINVAL;
}

int shmap_lifetime_parse(const char *text, size_t length, struct shmap_lifetime *lifetime)
{
    char copy[SHMAP_LIFETIME_TEXT_MAX];
    const char *rest = copy + strlen(LAST_CLOSE);

    *lifetime = (struct shmap_lifetime){ .last_close = false };
    if (length >= sizeof(copy) || memchr(text, '\0', length))
        return -EINVAL;
    memcpy(copy, text, length);
    copy[length] = '\0';
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

void shmap_lifetime_text(const struct shmap_lifetime *lifetime, char text[SHMAP_LIFETIME_TEXT_MAX])
{
    if (lifetime->last_close && lifetime->linger > 0)
        snprintf(text, SHMAP_LIFETIME_TEXT_MAX, LAST_CLOSE LINGER "%u", lifetime->linger);
    else
        strlcpy(text, lifetime->last_close ? LAST_CLOSE : "mount", SHMAP_LIFETIME_TEXT_MAX);
}
