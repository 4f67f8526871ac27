// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/survive/mount_status.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sys/xattr.h>

int read_mount_status(const char *mountpoint, struct mount_status *status)
{
    const struct {
        const char *name;
        int64_t *value;
    } members[] = {
        { "pid", &status->pid },
        { "keeper", &status->keeper },
        { "restarts", &status->restarts },
        { "upgrades", &status->upgrades },
        { "last_stall_us", &status->stall },
        { "nodes", &status->holdings.nodes },
        { "descriptors", &status->holdings.descriptors },
        { "open_files", &status->holdings.open_files },
    };
    char text[16384];
    ssize_t length = getxattr(mountpoint, "user.shmapfs.status", text, sizeof(text) - 1);

    if (length == -1)
        return -errno;
    text[length] = '\0';
    struct json_object *whole = json_tokener_parse(text), *part;
    if (whole == NULL)
        return -EBADMSG;
    *status = (struct mount_status){ 0 };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (json_object_object_get_ex(whole, members[i].name, &part))
            *members[i].value = json_object_get_int64(part);
    if (json_object_object_get_ex(whole, "survival", &part))
        snprintf(status->survival, sizeof(status->survival), "%s", json_object_get_string(part));
    json_object_put(whole);
    return 0;
}
