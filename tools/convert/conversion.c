// SPDX-License-Identifier: BSD-2-Clause
#include "tools/convert/conversion.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/convert/child.h"
#include "tools/convert/compare.h"
#include "tools/scan/target.h"
#include "tools/scan/users.h"
#include "tools/ui/output.h"

static int name_beside(const struct conversion *conversion, const char *what, const char *which,
                       struct conversion_name *name)
{
    int length = snprintf(name->text, sizeof(name->text), ".%s.shmapctl-%s%s", conversion->name,
                          what, which);

    return (size_t)length < sizeof(name->text) ? 0 : -ENAMETOOLONG;
}

int conversion_copy_name(const struct conversion *conversion, enum shmap_class class,
                         struct conversion_name *name)
{
    return name_beside(conversion, "to-", shmap_class_name(class), name);
}

int conversion_waste_name(const struct conversion *conversion, struct conversion_name *name)
{
    return name_beside(conversion, "waste", "", name);
}

struct conversion_fd_path conversion_fd_path(int fd)
{
    struct conversion_fd_path path;

    snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
    return path;
}

/* Checks that a path is a directory that can change its name. Returns an exit status. */
static int check_place(const struct conversion *conversion)
{
    struct statx stx;

    if (statx(AT_FDCWD, conversion->path, 0, STATX_TYPE, &stx) != 0)
        return fail(conversion->path, "%s", strerror(errno));
    if (!S_ISDIR(stx.stx_mode))
        return fail(conversion->path, "not a directory; name the directory that it is in");
    if (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
        return fail(conversion->path, "a mount point keeps its class; name a directory below it");
    return EXIT_SUCCESS;
}

static void split_path(struct conversion *conversion)
{
    char *slash = strrchr(conversion->path, '/');
    int length = (int)(slash - conversion->path);

    strlcpy(conversion->name, slash + 1, sizeof(conversion->name));
    snprintf(conversion->parent, sizeof(conversion->parent), "%.*s", length ? length : 1,
             conversion->path);
}

static int open_directories(struct conversion *conversion)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

    conversion->parent_fd = open(conversion->parent, flags);
    if (conversion->parent_fd < 0)
        return fail(conversion->parent, "%s", strerror(errno));
    if (flock(conversion->parent_fd, LOCK_EX | LOCK_NB) != 0)
        return fail(conversion->parent, "%s",
                    errno == EWOULDBLOCK ? "another conversion is under way in this directory"
                                         : strerror(errno));
    conversion->original = openat(conversion->parent_fd, conversion->name, flags);
    if (conversion->original < 0)
        return fail(conversion->path, "%s", strerror(errno));
    return EXIT_SUCCESS;
}

int conversion_open(const char *path, enum shmap_class class, struct conversion *conversion)
{
    struct scan_target target;
    int error;

    *conversion = (struct conversion){
        .class = class, .parent_fd = -1, .original = -1, .copy = -1, .interruption = { .fd = -1 }
    };
    if (scan_target_find(path, &target) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (!realpath(path, conversion->path))
        return fail(path, "%s", strerror(errno));
    if (check_place(conversion) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    split_path(conversion);
    if (open_directories(conversion) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    error = interruption_begin(&conversion->interruption);
    return error ? fail(path, "%s", strerror(-error)) : EXIT_SUCCESS;
}

static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

void conversion_close(struct conversion *conversion)
{
    tree_free(&conversion->tree);
    close_if_open(conversion->copy);
    close_if_open(conversion->original);
    close_if_open(conversion->parent_fd);
    if (conversion->interruption.fd >= 0)
        interruption_end(&conversion->interruption);
}

/* Finds a use of something that the tree has; NULL: there is none. */
static const struct file_use *find_use(const struct tree *tree, const struct user *user)
{
    for (size_t i = 0; i < user->count; i++) {
        if (tree_has(tree, user->uses[i].inode))
            return &user->uses[i];
    }
    return NULL;
}

int conversion_refuse_users(const struct conversion *conversion, const char *old)
{
    const struct file_use *use = NULL;
    struct users users;
    int error = users_find(conversion->tree.device, USERS_OF_ALL, &users);
    size_t i = 0;

    if (error)
        return fail("/proc", "%s", strerror(-error));
    while (i < users.count && !(use = find_use(&conversion->tree, &users.all[i])))
        i++;
    if (use && old)
        conversion_fail_beside(conversion, old,
                               "is what %s was before it got another class; %s (process %d) still "
                               "uses %s of it; the next conversion removes it",
                               conversion->path, users.all[i].command, users.all[i].pid, use->path);
    else if (use)
        fail(conversion->path, "%s (process %d) uses %s of it; end that first",
             users.all[i].command, users.all[i].pid, use->path);
    else if (!old && conversion->copy >= 0)
        users_report_unseen(&users);
    users_free(&users);
    return use ? EXIT_FAILURE : EXIT_SUCCESS;
}

int conversion_fail_interrupted(const struct conversion *conversion)
{
    return fail(conversion->path, "interrupted; it is as it was");
}

int conversion_fail_beside(const struct conversion *conversion, const char *name,
                           const char *format, ...)
{
    CLEANUP_FREE char *path = NULL;
    CLEANUP_FREE char *text = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0 || asprintf(&path, "%s/%s", conversion->parent, name) < 0)
        err(EXIT_FAILURE, NULL);
    return fail(path, "%s", text);
}

int conversion_remove(struct conversion *conversion, const char *name)
{
    struct last_words words;
    int signal = conversion->interruption.signal;
    int error;

    // One signal ends what was under way, and another one this, too.
    conversion->interruption.signal = 0;
    error = child_remove(conversion->parent_fd, name, &conversion->interruption, &words);
    if (!conversion->interruption.signal)
        conversion->interruption.signal = signal;
    if (!error)
        return EXIT_SUCCESS;
    return conversion_fail_beside(conversion, name,
                                  "is not needed any more, but is still there (%s); the next "
                                  "conversion of %s removes it",
                                  error == -EINTR ? "interrupted" : words.text, conversion->path);
}

/* Returns whether the new directory is all that the old one was, after a line if it is not. */
static bool is_same(struct conversion *conversion, const char *name, int old, int new)
{
    struct difference difference;
    struct progress progress;
    int result;

    progress_begin(&progress, conversion->tree.bytes);
    result = compare_trees(old, new, &conversion->interruption, &progress, &difference);
    if (result == -EINTR)
        conversion_fail_beside(conversion, name,
                               "is what %s was before it got another class, and could be "
                               "removed; the next conversion does that",
                               conversion->path);
    else if (result != 0)
        conversion_fail_beside(conversion, name,
                               "is what %s was before it got another class; the two differ (%s: "
                               "%s); take from it what you need, and remove it",
                               conversion->path, *difference.path ? difference.path : ".",
                               difference.what);
    return result == 0;
}

int conversion_finish(struct conversion *conversion, const char *name, int old, int new)
{
    struct conversion_name waste;
    int error = conversion_waste_name(conversion, &waste);

    tree_free(&conversion->tree);
    error = error ? error : tree_read(old, &conversion->tree);
    if (error)
        return conversion_fail_beside(conversion, name, "%s", strerror(-error));
    if (conversion_refuse_users(conversion, name) != EXIT_SUCCESS ||
        !is_same(conversion, name, old, new))
        return EXIT_FAILURE;
    if (renameat2(conversion->parent_fd, name, conversion->parent_fd, waste.text,
                  RENAME_NOREPLACE) != 0)
        return conversion_fail_beside(conversion, name, "%s", strerror(errno));
    return conversion_remove(conversion, waste.text);
}
