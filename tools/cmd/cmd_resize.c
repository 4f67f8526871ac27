// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl resize: another limit for a mount's RAM area. */
#include "tools/cmd/command.h"
#include "tools/scan/target.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

#include "lib/api/shmap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A mistake in the text is found here already, so that the mount's EINVAL has one meaning left. */
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

static int fail_resize(const char *mountpoint, const char *size, int error)
{
    struct shmap_status status;
    switch (-error) {
    case EINVAL:
        if (shmap_status_get(mountpoint, &status) != 0)
            return fail(mountpoint, "%s is less than what is in use", size);
        return fail(mountpoint, "%s is less than the %s in use; name a larger size, or remove "
                                "files of the class anon first",
                    size, humanize(status.ram_area.used).text);
    case ERANGE:
        return fail(mountpoint, "%s is out of range; a size is at least one page", size);
    case EPERM:
    case EACCES:
        return fail(mountpoint, "permission denied; only the mount's owner and root resize it");
    default:
        return fail_mount(mountpoint, error);
    }
}

int cmd_resize(const struct invocation *invocation)
{
    const char *mountpoint = invocation->arguments[0];
    const char *size = invocation->arguments[1];
    int mistake = check_size(size);
    if (mistake != EXIT_SUCCESS)
        return mistake;
    int error = shmap_resize(mountpoint, size);
    if (error != 0)
        return fail_resize(mountpoint, size, error);

    struct shmap_status status;
    error = shmap_status_get(mountpoint, &status);
    if (error != 0)
        return fail_mount(mountpoint, error);
    const struct shmap_area_status *area = &status.ram_area;
    if (invocation->json) {
        struct json_object *answer = json_object_new_object();
        json_object_object_add(answer, "mountpoint", json_object_new_string(mountpoint));
        json_object_object_add(answer, "size", json_object_new_uint64(area->size));
        json_object_object_add(answer, "used", json_object_new_uint64(area->used));
        return print_json(answer);
    }
    printf("RAM area: %s of %s used\n", humanize(area->used).text, humanize(area->size).text);
    return EXIT_SUCCESS;
}
