// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "lib/object/flags.h"
#include "lib/object/object.h"
#include "lib/object/xattr.h"
#include "lib/sys/cleanup.h"

struct names {
    char *text; // each ends with a NUL
    ssize_t length;
};

static bool is_copied(const char *name)
{
    // A lifetime is for the directories that are made again, too.
    return strcmp(name, SHMAP_XATTR_LIFETIME) == 0 ||
           (strncmp(name, SHMAP_XATTR_PREFIX, strlen(SHMAP_XATTR_PREFIX)) != 0 &&
            strncmp(name, SHMAP_XATTR_TRUSTED_PREFIX, strlen(SHMAP_XATTR_TRUSTED_PREFIX)) != 0 &&
            strncmp(name, "security.", strlen("security.")) != 0);
}

/* Lists the extended attributes of a directory; one that cannot be listed has none. */
static int list(int dir, struct names *names)
{
    names->text = malloc(XATTR_LIST_MAX);
    if (!names->text)
        return -ENOMEM;
    names->length = xattr_list(dir, names->text, XATTR_LIST_MAX);
    if (names->length < 0)
        names->length = 0;
    return 0;
}

static const char *name_after(const char *name)
{
    return name + strlen(name) + 1;
}

static bool has(const struct names *names, const char *wanted)
{
    for (const char *name = names->text; name < names->text + names->length;
         name = name_after(name)) {
        if (strcmp(name, wanted) == 0)
            return true;
    }
    return false;
}

/* Returns whether an error says that a directory cannot have an attribute, whatever is done. */
static bool is_unable(int error)
{
    return error == -EOPNOTSUPP || error == -EPERM || error == -EINVAL;
}

static int copy_xattr(int from, int to, const char *name)
{
    CLEANUP_FREE char *value = malloc(XATTR_SIZE_MAX);
    CLEANUP_FREE char *present = malloc(XATTR_SIZE_MAX);
    ssize_t length;
    int error;

    if (!value || !present)
        return -ENOMEM;
    length = xattr_get(from, name, value, XATTR_SIZE_MAX);
    if (length < 0)
        return (int)length;
    if (xattr_get(to, name, present, XATTR_SIZE_MAX) == length &&
        memcmp(value, present, (size_t)length) == 0)
        return 0;
    error = xattr_set(to, name, value, (size_t)length, 0);
    return is_unable(error) ? 0 : error;
}

static int copy_xattrs(int from, int to, const struct names *wanted, const struct names *present)
{
    int error = 0;

    for (const char *name = present->text; !error && name < present->text + present->length;
         name = name_after(name)) {
        if (is_copied(name) && !has(wanted, name))
            error = xattr_remove(to, name);
        if (is_unable(error) || error == -ENODATA)
            error = 0;
    }
    for (const char *name = wanted->text; !error && name < wanted->text + wanted->length;
         name = name_after(name)) {
        if (is_copied(name))
            error = copy_xattr(from, to, name);
    }
    return error;
}

static int copy_all_xattrs(int from, int to)
{
    struct names wanted = { .text = NULL }, present = { .text = NULL };
    int error = list(from, &wanted);

    if (!error)
        error = list(to, &present);
    if (!error)
        error = copy_xattrs(from, to, &wanted, &present);
    free(wanted.text);
    free(present.text);
    return error;
}

/* Returns whether a directory may get another one's attributes: it has its owner, or was just made.
 * Otherwise somebody has put his own in its place. */
static bool is_ours(const struct statx *target, const struct statx *source)
{
    // It returns the identity that the thread makes directories with, and changes nothing.
    return target->stx_uid == source->stx_uid || target->stx_uid == (uid_t)setfsuid((uid_t)-1);
}

int attributes_copy(int from, int to, mode_t besides)
{
    struct statx source, target;
    mode_t mode;
    int error = object_stat(from, &source);

    if (!error)
        error = object_stat(to, &target);
    if (error)
        return error;
    if (!is_ours(&target, &source))
        return -EPERM;
    if ((source.stx_uid != target.stx_uid || source.stx_gid != target.stx_gid) &&
        fchownat(to, "", source.stx_uid, source.stx_gid, AT_EMPTY_PATH) != 0)
        return -errno;
    error = copy_all_xattrs(from, to);
    // An access ACL brings bits of the mode with it.
    if (!error)
        error = object_stat(to, &target);
    mode = (source.stx_mode & 07777) | besides;
    if (!error && mode != (target.stx_mode & 07777))
        error = object_set_mode(to, mode);
    return error ? error : flags_copy(from, to);
}
