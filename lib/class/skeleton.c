// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/skeleton.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "lib/class/attributes.h"
#include "lib/object/object.h"
#include "lib/object/xattr.h"
#include "lib/sys/cleanup.h"

bool skeleton_is_kept(int store_dir)
{
    return xattr_get(store_dir, SHMAP_XATTR_SKELETON, NULL, 0) >= 0;
}

int skeleton_mark(int store_dir)
{
    return xattr_set(store_dir, SHMAP_XATTR_SKELETON, "1", 1, 0);
}

int skeleton_unmark(int store_dir)
{
    int error = xattr_remove(store_dir, SHMAP_XATTR_SKELETON);

    return error == -ENODATA ? 0 : error;
}

static bool is_other(const struct dirent64 *entry, const void *argument)
{
    (void)argument;
    return !object_may_be_directory(entry);
}

int skeleton_is_alone(int store_dir)
{
    char name[NAME_MAX + 1];
    int found = object_find_entry(store_dir, is_other, NULL, name);

    return found < 0 ? found : !found;
}

/* The longest path below a class root: with the name of the class root's directory in RAM before it
 * the kernel still tells it. */
#define PATH_LENGTH_MAX (PATH_MAX - 64)

/* A directory whose directories are still to be copied, by its path below the top. */
struct pending {
    STAILQ_ENTRY(pending) link;
    bool is_top;
    char path[];
};

struct copy {
    int from, to; // the tops
    bool keeps;   // from RAM to the store; otherwise the other way
    bool exact;   // what is there besides goes
    bool with_top;
    mode_t besides;
    struct skeleton_return *how;
    bool full;
    STAILQ_HEAD(, pending) queue;
};

static int add_pending(struct copy *copy, const struct pending *parent, const char *name)
{
    size_t length = strlen(parent->path) + 1 + strlen(name) + 1;
    struct pending *pending;

    // Directories further down have no path by which their mirrors could be found.
    if (length > PATH_LENGTH_MAX)
        return 0;
    pending = malloc(sizeof(*pending) + length);
    if (!pending)
        return -ENOMEM;
    pending->is_top = false;
    strlcpy(pending->path, parent->path, length);
    strlcat(pending->path, "/", length);
    strlcat(pending->path, name, length);
    STAILQ_INSERT_TAIL(&copy->queue, pending, link);
    return 0;
}

static bool finds_no_room(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -ENOMEM;
}

/* Removes a directory in the mirror that has another owner than the one in RAM: it is not what the
 * daemon has made there. */
static int remove_foreign(int from, int to, const char *name)
{
    struct stat source, target;

    if (fstatat(from, name, &source, AT_SYMLINK_NOFOLLOW) != 0 ||
        fstatat(to, name, &target, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(target.st_mode) ||
        source.st_uid == target.st_uid)
        return 0;
    return skeleton_remove(to, name);
}

static int copy_name(struct copy *copy, int from, int to, const char *name)
{
    int error = copy->keeps ? remove_foreign(from, to, name) : 0;

    if (error || faccessat(to, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
        return error;
    if (copy->full || (copy->how && !copy->how->take(copy->how->argument)))
        return -ENOSPC;
    return mkdirat(to, name, 0700) == 0 ? 0 : -errno;
}

/* A directory that is copied, and what becomes of it. */
struct pair {
    struct copy *copy;
    const struct pending *parent;
    int from, to;
};

/* Copies an entry of a directory if it is a directory. */
static int copy_entry(const struct pair *pair, const struct dirent64 *entry)
{
    struct copy *copy = pair->copy;
    int from = pair->from, to = pair->to;
    struct stat st;
    int error;

    if (entry->d_type == DT_UNKNOWN &&
        (fstatat(from, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode)))
        return 0;
    error = copy_name(copy, from, to, entry->d_name);
    if (finds_no_room(error) && !copy->keeps) {
        copy->full = true;
        return 0;
    }
    return error ? error : add_pending(copy, pair->parent, entry->d_name);
}

/* Removes an entry of the mirror that is a directory, where there is no such directory in RAM. */
static int remove_entry(const struct pair *pair, const struct dirent64 *entry)
{
    struct stat st;

    if (fstatat(pair->from, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return skeleton_remove(pair->to, entry->d_name);
}

#define ENTRIES_BYTES 8192

/* Calls `visit` for each entry of a directory that may be a directory. */
static int for_each_directory(int dir, const struct pair *pair,
                              int (*visit)(const struct pair *pair, const struct dirent64 *entry))
{
    char entries[ENTRIES_BYTES];
    ssize_t length;
    int error = 0;

    while (!error && (length = getdents64(dir, entries, sizeof(entries))) > 0) {
        for (ssize_t at = 0; !error && at < length;) {
            const struct dirent64 *entry = (const void *)(entries + at);

            if (!object_is_dot(entry->d_name) && object_may_be_directory(entry))
                error = visit(pair, entry);
            at += entry->d_reclen;
        }
    }
    return error ? error : length < 0 ? -errno : 0;
}

/* Copies what is in one directory, and then its attributes, which may forbid that. */
static int copy_directory(struct copy *copy, const struct pending *pending)
{
    CLEANUP_FD int from = object_open_beneath(copy->from, pending->path, O_RDONLY);
    CLEANUP_FD int to = object_open_beneath(copy->to, pending->path, O_RDONLY);
    const struct pair pair = { .copy = copy, .parent = pending, .from = from, .to = to };
    int error = from < 0 ? from : to;

    // Something else has the name in the mirror.
    if (error == -ENOTDIR || error == -ELOOP)
        error = -EEXIST;
    if (error > 0)
        error = copy->exact ? for_each_directory(to, &pair, remove_entry) : 0;
    if (!error)
        error = for_each_directory(from, &pair, copy_entry);
    if (!error && (!pending->is_top || copy->with_top))
        error = attributes_copy(from, to, copy->besides);
    return error;
}

/* Goes on without what one directory in the mirror has, when a skeleton comes back: it may not be
 * the daemon's to read, or have an owner that the RAM area of a user's mount does not know. A
 * directory whose attributes find no room does not come back as somebody else's. Returns the error
 * that is left. */
static int leave_out(struct copy *copy, const struct pending *pending, int error)
{
    if (copy->keeps || error == -EMFILE || error == -ENFILE || error == -ENOMEM)
        return error;
    if (finds_no_room(error)) {
        copy->full = true;
        if (!pending->is_top)
            skeleton_remove(copy->to, pending->path);
    }
    return 0;
}

static int copy_tree(struct copy *copy)
{
    struct pending *pending = malloc(sizeof(*pending) + 2);
    int error = 0;

    if (!pending)
        return -ENOMEM;
    pending->is_top = true;
    strlcpy(pending->path, ".", 2);
    STAILQ_INIT(&copy->queue);
    STAILQ_INSERT_TAIL(&copy->queue, pending, link);
    while ((pending = STAILQ_FIRST(&copy->queue))) {
        STAILQ_REMOVE_HEAD(&copy->queue, link);
        if (!error)
            error = copy_directory(copy, pending);
        if (error)
            error = leave_out(copy, pending, error);
        free(pending);
    }
    return error;
}

int skeleton_restore(int store_dir, int ram_dir, struct skeleton_return *how)
{
    struct copy copy = { .from = store_dir, .to = ram_dir, .how = how };
    int error = copy_tree(&copy);

    if (how)
        how->full = copy.full;
    return error;
}

int skeleton_keep(int ram_dir, int store_dir, mode_t besides)
{
    struct copy copy = { .from = ram_dir, .to = store_dir, .keeps = true, .besides = besides };

    return copy_tree(&copy);
}

int skeleton_keep_name(int ram_dir, int store_dir, const char *name, mode_t besides)
{
    CLEANUP_FD int from = object_open_beneath(ram_dir, name, O_PATH);
    CLEANUP_FD int to = -1;
    struct copy copy = { .keeps = true, .exact = true, .with_top = true, .besides = besides };
    int error;

    // No directory has the name.
    if (from == -ENOENT || from == -ENOTDIR || from == -ELOOP)
        return skeleton_remove(store_dir, name);
    if (from < 0)
        return from;
    error = remove_foreign(ram_dir, store_dir, name);
    if (error)
        return error;
    if (mkdirat(store_dir, name, 0700) != 0 && errno != EEXIST)
        return -errno;
    to = object_open_beneath(store_dir, name, O_PATH);
    if (to < 0)
        return to == -ENOTDIR || to == -ELOOP ? -EEXIST : to;
    copy.from = from;
    copy.to = to;
    return copy_tree(&copy);
}

int skeleton_keep_new(int ram_dir, int store_dir, const char *name, mode_t besides)
{
    CLEANUP_FD int from = -1, to = -1;

    if (mkdirat(store_dir, name, 0700) != 0)
        return errno == EEXIST ? skeleton_keep_name(ram_dir, store_dir, name, besides) : -errno;
    from = object_open_beneath(ram_dir, name, O_PATH);
    to = object_open_beneath(store_dir, name, O_PATH);
    if (from < 0 || to < 0)
        return from < 0 ? from : to;
    return attributes_copy(from, to, besides);
}
