// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl resize: another limit for a mount's RAM area. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/api/shmap.h"
#include "tools/cmd/command.h"
#include "tools/scan/target.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

/* Finds a mistake in the text already here, so that the mount's EINVAL has one meaning left. */
static int check_size(const char *size)
{
    uint64_t bytes;

    switch (shmap_size_parse(size, UINT64_C(1) << 30, &bytes)) {
    case 0:
        return EXIT_SUCCESS;
    case -ERANGE:
        fail(size, "out of range; a size is more than 0 and less than 8388608t");
        return EXIT_USAGE;
    default:
        fail(size, "not a size; write a number with k, m, g or t, such as 512m, or a percentage of "
                   "the machine's RAM, such as 25%%");
        return EXIT_USAGE;
    }
}

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

static int show_ram_area(const char *mountpoint, const struct shmap_area_status *area, bool json)
{
    struct json_object *answer;

    if (!json) {
        printf("RAM area: %s of %s used\n", humanize(area->used).text, humanize(area->size).text);
        return EXIT_SUCCESS;
    }
    answer = json_object_new_object();
    json_object_object_add(answer, "mountpoint", json_object_new_string(mountpoint));
    json_object_object_add(answer, "size", json_object_new_uint64(area->size));
    json_object_object_add(answer, "used", json_object_new_uint64(area->used));
    return print_json(answer);
}

int cmd_resize(const struct invocation *invocation)
{
    const char *mountpoint = invocation->arguments[0];
    const char *size = invocation->arguments[1];
    struct shmap_status status;
    int mistake = check_size(size);
    int error;

    if (mistake != EXIT_SUCCESS)
        return mistake;
    error = shmap_resize(mountpoint, size);
    if (error)
        return fail_resize(mountpoint, size, error);
    error = shmap_status_get(mountpoint, &status);
    return error ? fail_mount(mountpoint, error)
                 : show_ram_area(mountpoint, &status.ram_area, invocation->json);
}
