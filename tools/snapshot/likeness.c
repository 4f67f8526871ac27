// SPDX-License-Identifier: BSD-2-Clause
#include "tools/snapshot/likeness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "lib/object/object.h"
#include "lib/object/xattr.h"
#include "lib/sys/cleanup.h"

static bool is_prefixed(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Attributes of shmapfs' own are of the mount. */
static bool is_kept(const char *name)
{
    if (is_prefixed(name, SHMAP_XATTR_PREFIX) || is_prefixed(name, SHMAP_XATTR_TRUSTED_PREFIX))
        return false;
    return geteuid() == 0 || is_prefixed(name, XATTR_USER_PREFIX) ||
           is_prefixed(name, "system.posix_acl_");
}

static int copy_attribute(int original, int copy, const char *name)
{
    CLEANUP_FREE char *value = malloc(XATTR_SIZE_MAX);
    ssize_t length = value ? xattr_get(original, name, value, XATTR_SIZE_MAX) : -ENOMEM;

    // It has gone meanwhile.
    if (length == -ENODATA)
        return 0;
    return length < 0 ? (int)length : xattr_set(copy, name, value, (size_t)length, 0);
}

static int copy_attributes(int original, int copy)
{
    CLEANUP_FREE char *names = malloc(XATTR_LIST_MAX);
    ssize_t length = names ? xattr_list(original, names, XATTR_LIST_MAX) : -ENOMEM;
    int error = 0;

    // There are none then.
    if (length == -EOPNOTSUPP)
        return 0;
    for (ssize_t at = 0; at < length && !error; at += (ssize_t)strlen(names + at) + 1) {
        if (is_kept(names + at))
            error = copy_attribute(original, copy, names + at);
    }
    return length < 0 ? (int)length : error;
}

/* A setuid file of another owner would be his. */
static mode_t mode_of(const struct likeness *likeness)
{
    mode_t mode = likeness->st.st_mode & 07777;

    if (geteuid() != 0 && likeness->st.st_uid != geteuid())
        mode &= ~(mode_t)(S_ISUID | S_ISGID);
    return likeness->without_writing ? mode & ~(mode_t)0222 : mode;
}

int likeness_give(const struct likeness *likeness, int copy)
{
    const struct timespec times[2] = { likeness->st.st_atim, likeness->st.st_mtim };
    bool symlink = S_ISLNK(likeness->st.st_mode);
    struct object_path path;
    int error = 0;

    // A change of the owner takes setuid and capabilities away; so it comes first.
    if (geteuid() == 0 &&
        fchownat(copy, "", likeness->st.st_uid, likeness->st.st_gid, AT_EMPTY_PATH) != 0)
        return -errno;
    if (likeness->original >= 0)
        error = copy_attributes(likeness->original, copy);
    if (!error && !symlink)
        error = object_set_mode(copy, mode_of(likeness));
    if (!error && !symlink)
        return utimensat(AT_FDCWD, object_path_of(copy, &path), times, 0) == 0 ? 0 : -errno;
    // The path would be gone by. Linux before 5.8 cannot do it.
    if (!error && utimensat(copy, "", times, AT_EMPTY_PATH) != 0 && errno != EINVAL)
        error = -errno;
    return error;
}
