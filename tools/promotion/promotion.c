// SPDX-License-Identifier: BSD-2-Clause
#include "tools/promotion/promotion.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

bool promotion_is_of(const char *path)
{
    enum shmap_class class;
    struct stat st;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && shmap_class_get(path, &class) == 0 &&
           class == SHMAP_SCRATCH;
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Finds the directory that a path is in, as the kernel names it. */
static bool find_directory(const char *path, char directory[PATH_MAX])
{
    const char *name = last_name(path);
    char given[PATH_MAX];

    if (name == path)
        return realpath(".", directory) != NULL;
    return snprintf(given, sizeof(given), "%.*s", (int)(name - path), path) < PATH_MAX &&
           realpath(given, directory) != NULL;
}

/* Finds the directory that a scratch directory is in. */
static int find_beside(const char *path, char directory[PATH_MAX])
{
    enum shmap_class class = SHMAP_SCRATCH;
    int error = find_directory(path, directory) ? 0 : -errno;

    while (!error && class == SHMAP_SCRATCH && strcmp(directory, "/") != 0) {
        char *slash = strrchr(directory, '/');

        slash[slash == directory] = '\0';
        error = shmap_class_get(directory, &class);
    }
    if (!error && class == SHMAP_PERSIST)
        return EXIT_SUCCESS;
    return fail(path, "nothing is persisted above it; name a place on the same mount with: "
                      "--to PATH");
}

static int join(const char *path, const char *directory, char placed[PATH_MAX])
{
    const char *name = last_name(path);

    if (snprintf(placed, PATH_MAX, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, name) <
        PATH_MAX)
        return EXIT_SUCCESS;
    return fail(path, "the path that it would have is too long; name another with: --to PATH");
}

static int find_destination(const char *path, const char *to, char placed[PATH_MAX])
{
    char directory[PATH_MAX];
    struct stat st;
    int status;

    if (to && stat(to, &st) == 0 && S_ISDIR(st.st_mode))
        return join(path, to, placed);
    if (to)
        return strlcpy(placed, to, PATH_MAX) < PATH_MAX ? EXIT_SUCCESS
                                                        : fail(to, "%s", strerror(ENAMETOOLONG));
    status = find_beside(path, directory);
    return status == EXIT_SUCCESS ? join(path, directory, placed) : status;
}

static int fail_promotion(const char *path, const char *placed, int error)
{
    struct stat st;

    switch (-error) {
    case EEXIST:
        return fail(placed, "is there already; name another place with: --to PATH");
    case EXDEV:
        if (lstat(path, &st) == 0 && st.st_nlink > 1)
            return fail(path, "has other names; remove these first");
        return fail(placed, "not in a persisted directory of the same mount; name a place in one "
                            "with: --to PATH");
    case EACCES:
    case EPERM:
        return fail(path,
                    "permission denied; it takes the right to write to its directory, and "
                    "to read and write that of %s",
                    placed);
    case ENOENT:
    case ENOTDIR:
        return fail(placed, "its directory is not there; make that first");
    default:
        return fail(path, "%s", strerror(-error));
    }
}

int promotion_make(const char *path, const char *to, char placed[PATH_MAX])
{
    int status = find_destination(path, to, placed);
    int error = status == EXIT_SUCCESS ? shmap_promote(path, placed) : 0;

    return error ? fail_promotion(path, placed, error) : status;
}
