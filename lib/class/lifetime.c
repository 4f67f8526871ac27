// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/lifetime.h"

#include <errno.h>
#include <string.h>

#include "lib/object/xattr.h"

struct shmap_lifetime lifetime_get(int fd)
{
    char text[SHMAP_LIFETIME_TEXT_MAX];
    ssize_t length = xattr_get(fd, SHMAP_XATTR_LIFETIME, text, sizeof(text));
    struct shmap_lifetime lifetime;

    // An attribute that cannot be read must not pass for a word that removes a file.
    if (length < 0 || shmap_lifetime_parse(text, (size_t)length, &lifetime) != 0)
        return (struct shmap_lifetime){ .last_close = false };
    return lifetime;
}

int lifetime_set(int fd, const struct shmap_lifetime *lifetime)
{
    char text[SHMAP_LIFETIME_TEXT_MAX];
    int error;

    if (!lifetime->last_close) {
        error = xattr_remove(fd, SHMAP_XATTR_LIFETIME);
        return error == -ENODATA ? 0 : error;
    }
    shmap_lifetime_text(lifetime, text);
    return xattr_set(fd, SHMAP_XATTR_LIFETIME, text, strlen(text), 0);
}
