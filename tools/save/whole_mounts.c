// SPDX-License-Identifier: BSD-2-Clause
#include "tools/save/whole_mounts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"
#include "lib/api/shmap_save.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"
#include "tools/save/save_failure.h"
#include "tools/scan/target.h"
#include "tools/ui/output.h"

static int fail_save_all(const char *mountpoint, int error)
{
    struct shmap_status status;

    switch (-error) {
    case ENODATA:
        if (shmap_status_get(mountpoint, &status) != 0)
            break;
        return fail(mountpoint, "the shmapfs that serves it is too old to save; upgrade it first");
    case EPERM:
        return fail(mountpoint, "only its owner and root may save all of it; name files of yours");
    case ENXIO:
        return fail(mountpoint, "its daemon does not find it in its own mount namespace; name the "
                                "files, or directories, without -a");
    case EBUSY:
        return fail(mountpoint, "another save is under way; try again when it has ended");
    case EIO:
    case ENOSPC:
    case EDQUOT:
        return fail_commit(mountpoint, error);
    default:
        break;
    }
    return fail_mount(mountpoint, error);
}

static void print_saved(const char *mountpoint, const struct shmap_saved *saved)
{
    // The user who mounted it has chosen the name.
    CLEANUP_FREE char *visible = printable(mountpoint);

    printf("%s: %" PRIu64 " file%s", visible, saved->files, saved->files == 1 ? "" : "s");
    if (saved->commits > 0)
        printf(", in %" PRIu64 " commit%s", saved->commits, saved->commits == 1 ? "" : "s");
    if (saved->commits > 1)
        printf(" of at most %d", SHMAP_SAVE_MAX);
    if (saved->left > 0)
        printf("; %" PRIu64 " with commit=sync left to the programs that write %s", saved->left,
               saved->left == 1 ? "it" : "them");
    putchar('\n');
}

static struct json_object *saved_object(const char *mountpoint, const struct shmap_saved *saved)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "mountpoint", json_object_new_string(mountpoint));
    json_object_object_add(object, "files", json_object_new_uint64(saved->files));
    json_object_object_add(object, "commits", json_object_new_uint64(saved->commits));
    json_object_object_add(object, "left", json_object_new_uint64(saved->left));
    return object;
}

/* Returns whether a mount is another user's, covered by what is mounted on it, or nobody's any
 * more. */
static bool is_another(int error)
{
    return error == -EPERM || error == -EACCES || error == -ENODATA || error == -ENOENT ||
           error == -ENOTCONN;
}

static int save_mount(const char *mountpoint, bool named, struct json_object *list)
{
    struct shmap_saved saved;
    int error = shmap_save_all(mountpoint, &saved);

    if (error)
        return !named && is_another(error) ? EXIT_SUCCESS : fail_save_all(mountpoint, error);
    if (list)
        json_object_array_add(list, saved_object(mountpoint, &saved));
    else
        print_saved(mountpoint, &saved);
    return EXIT_SUCCESS;
}

/* A filesystem that is mounted twice is saved twice. */
static int save_mounts(struct json_object *list)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    int status = EXIT_SUCCESS;

    while (mounts_next(&mounts)) {
        if (strcmp(mounts.type, MOUNTS_TYPE) == 0 &&
            save_mount(mounts.directory, false, list) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    }
    return status;
}

int whole_mounts_save(const char *mountpoint, bool json)
{
    struct json_object *list = json ? json_object_new_array() : NULL, *answer;
    int status = mountpoint ? save_mount(mountpoint, true, list) : save_mounts(list);

    if (!list)
        return status;
    answer = json_object_new_object();
    json_object_object_add(answer, "saved", list);
    return print_json(answer) == EXIT_SUCCESS ? status : EXIT_FAILURE;
}
