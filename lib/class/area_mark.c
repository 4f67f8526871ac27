// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/area_mark.h"

#include <errno.h>
#include <string.h>

#include "lib/object/xattr.h"

static const char *mark_name(bool privileged)
{
    return privileged ? SHMAP_XATTR_AREA_TRUSTED : SHMAP_XATTR_AREA;
}

int area_mark_get(int store_dir, bool privileged, char words[AREA_WORDS_MAX])
{
    ssize_t length = xattr_get(store_dir, mark_name(privileged), words, AREA_WORDS_MAX - 1);

    // EACCES: as in class_mark.c. EPERM: root of a container cannot have set it either.
    if (length == -EOPNOTSUPP || length == -EACCES || length == -EPERM)
        return -ENODATA;
    if (length < 0)
        return length == -ERANGE ? -EIO : (int)length;
    words[length] = '\0';
    return strlen(words) == (size_t)length ? 0 : -EIO;
}

int area_mark_set(int store_dir, bool privileged, const char *words)
{
    return xattr_set(store_dir, mark_name(privileged), words, strlen(words), 0);
}

int area_mark_set_words(int store_dir, bool privileged, const struct area_words *words)
{
    char text[AREA_WORDS_MAX];
    int error = area_words_print(words, text);

    return error ? error : area_mark_set(store_dir, privileged, text);
}

int area_mark_remove(int store_dir, bool privileged)
{
    int error = xattr_remove(store_dir, mark_name(privileged));

    return error == -ENODATA || error == -EOPNOTSUPP ? 0 : error;
}
