// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/private_mount.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"
#include "tools/scan/users.h"
#include "tools/ui/output.h"

bool private_mount_hides(const char *mountpoint, const char *path)
{
    size_t length = strlen(mountpoint);

    return strncmp(path, mountpoint, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Returns whether a signal ended a command; or one that it has started itself, which shells tell in
 * their exit status. */
static bool is_ended_by(int status, int number)
{
    return WIFSIGNALED(status) ? WTERMSIG(status) == number : WEXITSTATUS(status) == 128 + number;
}

static bool is_full(const struct shmap_area_status *area)
{
    return area->present && area->used + (uint64_t)sysconf(_SC_PAGESIZE) > area->size;
}

void private_mount_report_full(const char *mountpoint, int status)
{
    struct shmap_status mount;

    if (!is_ended_by(status, SIGBUS) || shmap_status_get(mountpoint, &mount) != 0)
        return;
    if (is_full(&mount.ram_area))
        fail(
            mountpoint,
            "COMMAND was ended by SIGBUS, and all %s of the RAM area are in use; give it more with "
            "-o size=",
            humanize(mount.ram_area.size).text);
    else if (is_full(&mount.store_area))
        fail(mountpoint, "COMMAND was ended by SIGBUS, and all %s of STORE's disk are in use",
             humanize(mount.store_area.size).text);
}

/* Lists the users of what is on a device for a sentence; empty: there are none. */
static void list_users(dev_t device, char *text, size_t size)
{
    struct users users;
    size_t length = 0;

    *text = '\0';
    if (users_find(device, USERS_OF_ALL, &users) != 0)
        return;
    for (size_t i = 0; i < users.count && length < size; i++) {
        char *name = printable(users.all[i].command);

        length += (size_t)snprintf(text + length, size - length, "%s%d (%s)",
                                   length > 0 ? ", " : "", (int)users.all[i].pid, name);
        free(name);
    }
    users_free(&users);
}

/* Where another namespace has the mount, too, it does not end here and now. Returns its device; 0:
 * it does not answer any more. */
static dev_t sync_and_find_device(const char *mountpoint)
{
    CLEANUP_FD int fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat root;

    if (fd < 0 || fstat(fd, &root) != 0)
        return 0;
    syncfs(fd);
    return root.st_dev;
}

void private_mount_end(const char *mountpoint)
{
    dev_t device = sync_and_find_device(mountpoint);
    char text[512];

    // Any other error: COMMAND has unmounted it by itself.
    if (device == 0 || umount2(mountpoint, UMOUNT_NOFOLLOW) == 0 || errno != EBUSY)
        return;
    list_users(device, text, sizeof(text));
    // Those that were about to end may have done so meanwhile.
    if (umount2(mountpoint, UMOUNT_NOFOLLOW) != 0)
        fail(mountpoint,
             "COMMAND has ended, and so does what it shared, although it is in use by %s",
             *text ? text : "a process that cannot be found");
}
