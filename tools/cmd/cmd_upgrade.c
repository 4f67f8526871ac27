// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl upgrade: another binary serves a mount, whose users notice a pause at most. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "tools/cmd/command.h"
#include "tools/scan/target.h"
#include "tools/ui/output.h"

/* Returns the absolute path, which the daemon needs, because its working directory is another one.
 * A symlink stays one: the next upgrade may go by it. For free(). */
static char *absolute_path(const char *path)
{
    char *whole = NULL;
    char *here = *path == '/' ? NULL : getcwd(NULL, 0);

    if (*path != '/' && !here)
        err(EXIT_FAILURE, "the working directory");
    if (asprintf(&whole, "%s%s%s", here ? here : "", here ? "/" : "", path) < 0)
        err(EXIT_FAILURE, NULL);
    free(here);
    return whole;
}

/* Prints what only the mount knows: why it cannot be upgraded at all, or refused this binary. */
static int fail_refused(const char *mountpoint, int error)
{
    struct shmap_status status = { 0 };
    char *why;

    shmap_status_get(mountpoint, &status);
    why = printable(error == -EPROTO ? status.upgrade_error : status.survival);
    if (error == -EPROTO)
        fail(mountpoint, "the binary was refused, and the old one goes on serving: %s", why);
    else
        fail(mountpoint, "this mount cannot be upgraded; unmount it and mount it again: %s", why);
    free(why);
    return EXIT_FAILURE;
}

static int fail_upgrade(const char *mountpoint, const char *binary, int error)
{
    const char *which = binary ? binary : mountpoint;

    switch (-error) {
    case EACCES: // of the mount, or of the binary?
        if (faccessat(AT_FDCWD, mountpoint, W_OK, AT_EACCESS) == 0)
            return fail(which, "the binary cannot be executed: permission denied");
        /* fall through */
    case EPERM:
        return fail(mountpoint, "permission denied; it takes root with CAP_SYS_ADMIN, "
                                "or the user whose mount it is");
    case ENOENT:
        if (!binary)
            return fail(mountpoint, "the binary that it was started from is gone; name another");
        return fail(binary, "no such file; name a binary of shmapfs");
    case ENOEXEC:
        return fail(which, "not a program; name a binary of shmapfs");
    case EBUSY:
        return fail(mountpoint, "another upgrade is under way; try again when it is done");
    case EPROTO:
    case EOPNOTSUPP:
        return fail_refused(mountpoint, error);
    default:
        return fail_mount(mountpoint, error);
    }
}

static int show_upgrade_json(const char *mountpoint, const char *old_version,
                             const struct shmap_status *status)
{
    struct json_object *answer = json_object_new_object();

    json_object_object_add(answer, "mountpoint", json_object_new_string(mountpoint));
    json_object_object_add(answer, "from", json_object_new_string(old_version));
    json_object_object_add(answer, "to", json_object_new_string(status->version));
    json_object_object_add(answer, "stall_us", json_object_new_uint64(status->last_stall_us));
    return print_json(answer);
}

static int show_upgrade(const char *old_version, const struct shmap_status *status)
{
    char *from = printable(*old_version ? old_version : "an unknown version");
    char *to = printable(status->version);

    printf("upgraded from %s to %s; requests waited for %.1f ms\n", from, to,
           (double)status->last_stall_us / 1000);
    free(from);
    free(to);
    return EXIT_SUCCESS;
}

static int upgrade_mount(const char *mountpoint, const char *binary, bool json)
{
    struct shmap_status before, after;
    int error = shmap_status_get(mountpoint, &before);

    // This program may not understand all that a daemon tells that is to be upgraded.
    if (error == -EPROTO)
        before.version[0] = '\0';
    else if (error)
        return fail_mount(mountpoint, error);
    error = shmap_upgrade(mountpoint, binary);
    if (error)
        return fail_upgrade(mountpoint, binary, error);
    error = shmap_status_get(mountpoint, &after);
    if (error)
        return fail_mount(mountpoint, error);
    return json ? show_upgrade_json(mountpoint, before.version, &after)
                : show_upgrade(before.version, &after);
}

int cmd_upgrade(const struct invocation *invocation)
{
    char *binary = invocation->count > 1 ? absolute_path(invocation->arguments[1]) : NULL;
    int status = upgrade_mount(invocation->arguments[0], binary, invocation->json);

    free(binary);
    return status;
}
