// SPDX-License-Identifier: BSD-2-Clause
#include "tools/recover/reattach.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "lib/api/shmap_reattach.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"
#include "tools/scan/target.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

/* Waits here, and not in the daemon, for a store that does not answer: a signal ends that. */
static void await_store(const char *store)
{
    CLEANUP_FD int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statvfs vfs;

    if (fd >= 0)
        fstatvfs(fd, &vfs);
}

static int fail_refused_store(const char *mountpoint, const char *store, int error)
{
    switch (-error) {
    case EXDEV:
        return fail(mountpoint,
                    "what is at %s is not the store of this mount; mount that there first", store);
    case EBUSY:
        return fail(mountpoint, "another daemon has the store %s by now; unmount it there first",
                    store);
    case ENOTSUP:
        return fail(mountpoint,
                    "the store %s has nothing to be told from others by; unmount this "
                    "and mount it again",
                    store);
    case EAGAIN:
        return fail(mountpoint, "an upgrade is under way; try again when it is done");
    case EPERM:
        return fail(mountpoint, "permission denied; it takes root, or the user whose mount it is");
    default:
        return fail(mountpoint, "the store %s cannot be opened: %s; mount it first", store,
                    strerror(-error));
    }
}

static int fail_reattach(const char *mountpoint, const struct shmap_status *status, int error)
{
    char *why;

    if (error == -ENXIO)
        return fail(mountpoint, "this mount has no store");
    if (error == -ENODATA)
        return fail(mountpoint, "the shmapfs that serves it is too old for that; unmount it and "
                                "mount it again");
    why = printable(*status->survival ? status->survival : status->store);
    if (*status->survival)
        fail(mountpoint,
             "this mount cannot go over to another store; unmount it and mount it "
             "again: %s",
             why);
    else
        fail_refused_store(mountpoint, why, error);
    free(why);
    return EXIT_FAILURE;
}

static void show(const char *mountpoint, const struct shmap_status *status,
                 const struct shmap_reattached *done)
{
    char *store = printable(status->store);

    if (done->needless)
        printf("%s: the store %s is the same filesystem as before; nothing was to be done\n",
               mountpoint, store);
    else
        printf("%s: reattached to %s; %" PRIu64 " descriptors lead to the same objects again, "
               "%" PRIu64 " do not\n",
               mountpoint, store, done->found, done->lost);
    free(store);
}

static void add_to_list(struct json_object *list, const char *mountpoint,
                        const struct shmap_reattached *done)
{
    struct json_object *mount = json_object_new_object();

    json_object_object_add(mount, "mountpoint", json_object_new_string(mountpoint));
    json_object_object_add(mount, "needless", json_object_new_boolean(done->needless));
    json_object_object_add(mount, "found", json_object_new_uint64(done->found));
    json_object_object_add(mount, "lost", json_object_new_uint64(done->lost));
    json_object_array_add(list, mount);
}

/* Reattaches a mount. `list` receives what was done; NULL: it is printed. */
static int reattach(const char *mountpoint, const struct shmap_status *status,
                    struct json_object *list)
{
    struct shmap_reattached done;
    int error;

    await_store(status->store);
    error = shmap_reattach(mountpoint, &done);
    if (error)
        return fail_reattach(mountpoint, status, error);
    if (list)
        add_to_list(list, mountpoint, &done);
    else
        show(mountpoint, status, &done);
    return EXIT_SUCCESS;
}

static int reattach_one(const char *mountpoint, struct json_object *list)
{
    struct shmap_status status;
    int error = shmap_status_get(mountpoint, &status);

    return error ? fail_mount(mountpoint, error) : reattach(mountpoint, &status, list);
}

static int reattach_all(struct json_object *list)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    struct shmap_status status;
    int result = EXIT_SUCCESS;

    while (mounts_next(&mounts)) {
        if (strcmp(mounts.type, MOUNTS_TYPE) == 0 &&
            shmap_status_get(mounts.directory, &status) == 0 && *status.store_error &&
            reattach(mounts.directory, &status, list) != EXIT_SUCCESS)
            result = EXIT_FAILURE;
    }
    return result;
}

int reattach_mounts(const char *mountpoint, bool json)
{
    struct json_object *list = json ? json_object_new_array() : NULL, *answer;
    int result = mountpoint ? reattach_one(mountpoint, list) : reattach_all(list);

    if (!json)
        return result;
    answer = json_object_new_object();
    json_object_object_add(answer, "reattached", list);
    return print_json(answer) == EXIT_SUCCESS ? result : EXIT_FAILURE;
}
