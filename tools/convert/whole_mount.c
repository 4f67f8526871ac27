// SPDX-License-Identifier: BSD-2-Clause
/* Questions to the mount that a directory is in, asked at its root; the caller need not have that,
 * as in a container that a directory of the mount was bound into. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/convert/conversion.h"
#include "tools/scan/mount_list.h"
#include "tools/ui/output.h"

#define OPTION ",anon="

/* Finds the root of the mount. NULL: the caller has none, or something covers it. */
static const char *find_root(const struct conversion *conversion, const struct mount_list *list)
{
    const struct listed_mount *whole = mount_list_whole(list, conversion->tree.device);
    struct stat stat_of_root;

    if (!whole || stat(whole->path, &stat_of_root) != 0 ||
        stat_of_root.st_dev != conversion->tree.device)
        return NULL;
    return whole->path;
}

int conversion_sync(struct conversion *conversion)
{
    struct mount_list list;
    const char *root;
    int error = 0;

    mount_list_find_around(conversion->path, &list);
    root = find_root(conversion, &list);
    error = root ? shmap_sync(root) : -ENXIO;
    mount_list_free(&list);
    // No whole mount, one that the daemon does not see, or an older daemon.
    if (error == -ENXIO || error == -ENODATA)
        error = tree_sync(conversion->copy, &conversion->interruption);
    return error;
}

/* Returns what a name of anon= has below a path in the mount; empty: it is that path; NULL: it is
 * another one. */
static const char *name_below(const char *name, const char *path)
{
    for (;;) {
        size_t length;

        name += strspn(name, "/");
        path += strspn(path, "/");
        length = strcspn(path, "/");
        if (length == 0)
            return name;
        if (strcspn(name, "/") != length || memcmp(name, path, length) != 0)
            return NULL;
        name += length;
        path += length;
    }
}

static bool has_directory(int directory, const char *name)
{
    struct stat stat;

    return fstatat(directory, name, &stat, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(stat.st_mode);
}

/* Finds the name that keeps the directory, or one below it, anonymous; NULL: there is none. Cuts
 * the options into pieces. */
static const char *find_name(const struct conversion *conversion, char *options, const char *path)
{
    char *names = strstr(options, OPTION);
    const char *below;

    if (!names)
        return NULL;
    names += strlen(OPTION);
    names[strcspn(names, ",")] = '\0';
    for (const char *name; (name = strsep(&names, ":"));) {
        below = name_below(name, path);
        if (below && (!*below || has_directory(conversion->original, below)))
            return name;
    }
    return NULL;
}

/* Writes the path of the directory in its mount. Returns whether that is known. */
static bool find_path(const struct conversion *conversion, const struct mount_list *list,
                      char path[PATH_MAX])
{
    const struct listed_mount *here = mount_list_at(list, conversion->path);
    size_t length = here ? strlen(here->directory) : 0;

    return here && strncmp(conversion->path, here->directory, length) == 0 &&
           snprintf(path, PATH_MAX, "%s/%s", here->root, conversion->path + length) < PATH_MAX;
}

int conversion_fail_anon_name(const struct conversion *conversion, const char *name)
{
    if (*name == '\0')
        return fail(conversion->path,
                    "is as it was: anon= or scratch= keeps the class of its name as long as it is "
                    "mounted; rename the directory first, or leave the name out there and mount "
                    "again, which takes what is in it");
    return fail(conversion->path,
                "is as it was: anon=%s keeps the name anonymous as long as it is mounted; rename "
                "the directory first, or leave the name out of anon= and mount again, which takes "
                "what is in it",
                name);
}

int conversion_refuse_anon_name(const struct conversion *conversion)
{
    struct shmap_status status;
    char path[PATH_MAX];
    struct mount_list list;
    const char *root, *name = NULL;

    if (conversion->class == SHMAP_ANON)
        return EXIT_SUCCESS;
    mount_list_find_around(conversion->path, &list);
    root = find_root(conversion, &list);
    if (root && find_path(conversion, &list, path) && shmap_status_get(root, &status) == 0)
        name = find_name(conversion, status.options, path);
    mount_list_free(&list);
    return name ? conversion_fail_anon_name(conversion, name) : EXIT_SUCCESS;
}
