// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/class_mark.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "lib/object/xattr.h"
#include "lib/sys/cleanup.h"

static bool has_name(const char *names, ssize_t length, const char *name)
{
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        if (strcmp(names + at, name) == 0)
            return true;
    }
    return false;
}

/* Finds the attribute that marks a directory; NULL: it has no mark. Stores of earlier versions have
 * the attribute that mounts answer by themselves, without listing it: there it is no mark. */
static int find_mark(int dir, const char **mark)
{
    char few[1024];
    CLEANUP_FREE char *many = NULL;
    const char *names = few;
    ssize_t length = xattr_list(dir, few, sizeof(few));

    *mark = NULL;
    if (length == -ERANGE) {
        names = many = malloc(XATTR_LIST_MAX);
        length = many ? xattr_list(dir, many, XATTR_LIST_MAX) : -ENOMEM;
    }
    if (length == -EOPNOTSUPP)
        return 0;
    if (length < 0)
        return (int)length;
    if (has_name(names, length, SHMAP_XATTR_CLASS_ROOT))
        *mark = SHMAP_XATTR_CLASS_ROOT;
    else if (has_name(names, length, SHMAP_XATTR_CLASS))
        *mark = SHMAP_XATTR_CLASS;
    return 0;
}

int class_mark_read(int fd, const char *name, enum shmap_class *class)
{
    char word[32];
    ssize_t length = xattr_get(fd, name, word, sizeof(word));

    // EACCES: the owner may not read it, and the daemon is no more than the owner.
    if (length == -EOPNOTSUPP || length == -EACCES)
        return -ENODATA;
    if (length < 0)
        return length == -ERANGE ? -EIO : (int)length;
    return shmap_class_parse(word, (size_t)length, class) == 0 ? 0 : -EIO;
}

int class_root_class(int dir, enum shmap_class *class)
{
    const char *mark;
    int error = find_mark(dir, &mark);

    // The kernel cannot list attributes whose names are longer together than it allows.
    if (error == -E2BIG) {
        error = class_mark_read(dir, SHMAP_XATTR_CLASS_ROOT, class);
        return error == -ENODATA ? class_mark_read(dir, SHMAP_XATTR_CLASS, class) : error;
    }
    if (error)
        return error;
    return mark ? class_mark_read(dir, mark, class) : -ENODATA;
}

static int remove_mark(int dir, const char *name)
{
    int error = xattr_remove(dir, name);

    // A directory that was not marked is as wanted.
    return error == -ENODATA ? 0 : error;
}

int class_root_mark(int dir, enum shmap_class class)
{
    const char *word = shmap_class_name(class);
    int error = xattr_set(dir, SHMAP_XATTR_CLASS_ROOT, word, strlen(word), 0);

    // Earlier versions know this name alone: to them the directory would be one of the store's.
    return error ? error : xattr_set(dir, SHMAP_XATTR_CLASS, word, strlen(word), 0);
}

int class_root_unmark(int dir)
{
    const char *mark;
    int error;

    // An earlier version's mark counts as soon as there is no other.
    while ((error = find_mark(dir, &mark)) == 0 && mark) {
        error = remove_mark(dir, mark);
        if (error)
            break;
    }
    return error;
}

bool class_mark_is_answered(int dir)
{
    const char *mark;

    return xattr_get(dir, SHMAP_XATTR_CLASS, NULL, 0) >= 0 && find_mark(dir, &mark) == 0 && !mark;
}

int class_root_check_store(const struct area *store, const char *path, struct complaint *complaint)
{
    static const char *const names[] = { SHMAP_XATTR_CLASS_ROOT, SHMAP_XATTR_CLASS };
    enum shmap_class class;
    int error;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        error = class_mark_read(store->root, names[i], &class);
        if (error && error != -ENODATA)
            return complain(complaint, -error, "STORE %s has a class that cannot be read: %s", path,
                            strerror(-error));
        if (!error && class != SHMAP_PERSIST)
            return complain(complaint, EINVAL,
                            "STORE %s is a directory of the class %s of another shmapfs, which "
                            "keeps nothing for good; choose one that is on disk",
                            path, shmap_class_name(class));
    }
    return 0;
}
