// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl resize: another limit for a RAM area, a mount's or a directory's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "lib/api/shmap.h"
#include "tools/cmd/command.h"
#include "tools/limit/limit.h"
#include "tools/scan/target.h"
#include "tools/ui/output.h"

static int fail_too_small(const char *mountpoint, const char *size)
{
    struct shmap_status status;

    if (shmap_status_get(mountpoint, &status) != 0)
        return fail(mountpoint, "%s is less than what is in use; name a larger size", size);
    return fail(mountpoint,
                "%s is less than the %s in use; name a larger size, or remove files of the class "
                "anon first",
                size, humanize(status.ram_area.used).text);
}

static int fail_resize(const char *mountpoint, const char *size, int error)
{
    switch (-error) {
    case EINVAL:
        return fail_too_small(mountpoint, size);
    case ERANGE:
        return fail(mountpoint, "%s is out of range; a size is at least one page", size);
    case EPERM:
    case EACCES:
        return fail(mountpoint, "permission denied; only the mount's owner and root resize it");
    default:
        return fail_mount(mountpoint, error);
    }
}

static int show_area(const char *mountpoint, const char *what, const struct shmap_area_status *area,
                     bool json)
{
    struct json_object *answer;

    if (!json) {
        printf("%s: %s of %s used\n", what, humanize(area->used).text, humanize(area->size).text);
        return EXIT_SUCCESS;
    }
    answer = json_object_new_object();
    json_object_object_add(answer, "mountpoint", json_object_new_string(mountpoint));
    json_object_object_add(answer, "size", json_object_new_uint64(area->size));
    json_object_object_add(answer, "used", json_object_new_uint64(area->used));
    return print_json(answer);
}

/* Gives the RAM area that a directory has for itself another limit. */
static int resize_directory(const char *path, const char *size, bool json)
{
    struct limit limit = { .size = size };
    struct shmap_area_status area = { .present = true };
    char words[SHMAP_AREA_WORDS_MAX];
    enum shmap_class class = SHMAP_PERSIST;
    struct statvfs vfs;
    int error;

    snprintf(limit.words, sizeof(limit.words), "size=%s", size);
    shmap_class_get(path, &class);
    if (shmap_area_get(path, words) != 0 && class == SHMAP_ANON)
        return fail(path, "without a RAM area for itself; name the mount point to resize the one "
                          "that it is in");
    error = shmap_area_set(path, limit.words);
    if (error == -ENODATA)
        return fail_mount(path, error);
    if (error)
        return fail_limit(path, class, &limit, error);
    if (statvfs(path, &vfs) != 0)
        return fail(path, "%s", strerror(errno));
    area.size = (uint64_t)vfs.f_blocks * vfs.f_frsize;
    area.used = (uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize;
    return show_area(path, class == SHMAP_SCRATCH ? "scratch directory" : "RAM area", &area, json);
}

int cmd_resize(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    const char *size = invocation->arguments[1];
    struct shmap_status status;
    int mistake = limit_check_size(size);
    int error;

    if (mistake != EXIT_SUCCESS)
        return mistake;
    error = shmap_resize(path, size);
    if (error == -ENODATA)
        return resize_directory(path, size, invocation->json);
    if (error)
        return fail_resize(path, size, error);
    error = shmap_status_get(path, &status);
    return error ? fail_mount(path, error)
                 : show_area(path, "RAM area", &status.ram_area, invocation->json);
}
