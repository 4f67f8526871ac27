// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl sync: what was written through mounts is brought to the disk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"
#include "lib/sys/mounts.h"
#include "tools/cmd/command.h"
#include "tools/scan/target.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

static int fail_sync(const char *mountpoint, int error)
{
    struct shmap_status status;

    switch (-error) {
    case ENODATA:
        if (shmap_status_get(mountpoint, &status) != 0)
            break;
        return fail(mountpoint, "the shmapfs that serves it is too old to sync; upgrade it first");
    case ENXIO:
        return fail(mountpoint, "its daemon does not find it in its own mount namespace; programs "
                                "can call fsync(2) on their files");
    case EBUSY:
        return fail(mountpoint, "another sync is under way; try again when it has ended");
    case EIO:
    case ENOSPC:
    case EDQUOT:
        return fail(mountpoint, "not everything could be written to the store: %s",
                    strerror(-error));
    default:
        break;
    }
    return fail_mount(mountpoint, error);
}

/* Syncs a mount, and adds it to the list of those that are synced. */
static int sync_mount(const char *mountpoint, struct json_object *synced)
{
    int error = shmap_sync(mountpoint);

    if (error)
        return fail_sync(mountpoint, error);
    json_object_array_add(synced, json_object_new_string(mountpoint));
    return EXIT_SUCCESS;
}

/* Returns whether a mount is another user's, covered by what is mounted on it, or nobody's any
 * more. */
static bool is_out_of_reach(const char *mountpoint)
{
    struct shmap_status status;
    int error = shmap_status_get(mountpoint, &status);

    return error == -EACCES || error == -ENODATA || error == -ENOENT || error == -ENOTCONN;
}

/* Syncs each mount that is in reach. A filesystem that is mounted twice is synced twice. */
static int sync_all(struct json_object *synced)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    int status = EXIT_SUCCESS;

    while (mounts_next(&mounts)) {
        if (strcmp(mounts.type, MOUNTS_TYPE) == 0 && !is_out_of_reach(mounts.directory) &&
            sync_mount(mounts.directory, synced) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    }
    return status;
}

int cmd_sync(const struct invocation *invocation)
{
    struct json_object *synced = json_object_new_array(), *answer;
    int status = invocation->count == 0 ? sync_all(synced) : EXIT_SUCCESS;

    for (int i = 0; i < invocation->count; i++) {
        if (sync_mount(invocation->arguments[i], synced) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    }
    if (!invocation->json) {
        json_object_put(synced);
        return status;
    }
    answer = json_object_new_object();
    json_object_object_add(answer, "synced", synced);
    if (print_json(answer) != EXIT_SUCCESS)
        status = EXIT_FAILURE;
    return status;
}
