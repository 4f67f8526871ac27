// SPDX-License-Identifier: BSD-2-Clause
/* The files that a killed conversion has left beside its directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/convert/compare.h"
#include "tools/convert/conversion.h"

/* Opens a directory that a conversion of this caller may have left. -ENOENT: there is none. */
static int open_leftover(const struct conversion *conversion, const char *name)
{
    int fd = openat(conversion->parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat stat, original;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &stat) == 0 && fstat(conversion->original, &original) == 0 &&
        (stat.st_uid == geteuid() || stat.st_uid == original.st_uid))
        return fd;
    close(fd);
    return -EPERM;
}

/* Removes a copy whose original does not last, if that has all of it. Otherwise a power cut may
 * have taken what the copy was made of, and have brought back its directories alone; or a program
 * has begun anew. */
static int remove_copy_of_anon(struct conversion *conversion, const char *name, int copy)
{
    struct difference difference;
    struct progress progress = { .shown = false }; // how much there is was not asked
    int result;

    result =
        compare_part(copy, conversion->original, &conversion->interruption, &progress, &difference);
    if (result == -EINTR)
        return conversion_fail_interrupted(conversion);
    if (result == 0)
        return conversion_remove(conversion, name);
    return conversion_fail_beside(conversion, name,
                                  "is a copy, maybe in part, of what %s was, which does not have "
                                  "all of it now (%s: %s); take from it what you need, and remove "
                                  "it",
                                  conversion->path, *difference.path ? difference.path : ".",
                                  difference.what);
}

/* A copy is not needed while there is what it was made of. An anonymous directory may have gone
 * with its mount. */
static int remove_copy(struct conversion *conversion, const char *name, int copy)
{
    enum shmap_class class;

    if (tree_is_empty(conversion->original))
        return conversion_fail_beside(conversion, name,
                                      "is a copy, maybe in part, of what %s was, which is empty "
                                      "now; take from it what you need, and remove it",
                                      conversion->path);
    if (shmap_class_get(conversion_fd_path(conversion->original).text, &class) == 0 &&
        class == SHMAP_PERSIST)
        return conversion_remove(conversion, name);
    return remove_copy_of_anon(conversion, name, copy);
}

static int clean_copy(struct conversion *conversion, enum shmap_class class)
{
    struct conversion_name name;
    enum shmap_class has;
    CLEANUP_FD int fd = -1;
    int error = conversion_copy_name(conversion, class, &name);

    fd = error ? error : open_leftover(conversion, name.text);
    if (fd == -ENOENT)
        return EXIT_SUCCESS;
    error = fd < 0 ? fd : shmap_class_get(conversion_fd_path(fd).text, &has);
    if (error)
        return conversion_fail_beside(conversion, name.text, "is in the way of the conversion: %s",
                                      strerror(-error));
    if (tree_is_empty(fd) && unlinkat(conversion->parent_fd, name.text, AT_REMOVEDIR) == 0)
        return EXIT_SUCCESS;
    // Otherwise the two have changed names.
    if (has == class)
        return remove_copy(conversion, name.text, fd);
    return conversion_finish(conversion, name.text, fd, conversion->original);
}

static int clean_waste(struct conversion *conversion)
{
    struct conversion_name name;
    CLEANUP_FD int fd = -1;
    int error = conversion_waste_name(conversion, &name);

    fd = error ? error : open_leftover(conversion, name.text);
    if (fd == -ENOENT)
        return EXIT_SUCCESS;
    if (fd < 0)
        return conversion_fail_beside(conversion, name.text, "is in the way of the conversion: %s",
                                      strerror(-fd));
    return conversion_remove(conversion, name.text);
}

int conversion_clean(struct conversion *conversion)
{
    for (int class = 0; class < SHMAP_CLASSES; class ++) {
        if (clean_copy(conversion, (enum shmap_class) class) != EXIT_SUCCESS)
            return EXIT_FAILURE;
    }
    return clean_waste(conversion);
}
