// SPDX-License-Identifier: BSD-2-Clause
#include "lib/process/user_namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

static const struct {
    const char *path;
    char forbids;
    const char *allow;
} SETTINGS[] = {
    { "/proc/sys/kernel/unprivileged_userns_clone", '0', "kernel.unprivileged_userns_clone=1" },
    { "/proc/sys/user/max_user_namespaces", '0', "user.max_user_namespaces=10000" },
    { "/proc/sys/user/max_mnt_namespaces", '0', "user.max_mnt_namespaces=10000" },
    { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1',
      "kernel.apparmor_restrict_unprivileged_userns=0" },
};
#define SETTING_COUNT (sizeof(SETTINGS) / sizeof(SETTINGS[0]))

static int write_whole(const char *path, const char *text)
{
    CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t length = strlen(text);

    return fd >= 0 && write(fd, text, length) == (ssize_t)length ? 0 : -errno;
}

/* Maps an id to itself and no other id. */
static int write_id_map(const char *path, unsigned id)
{
    char map[64];

    snprintf(map, sizeof(map), "%u %u 1\n", id, id);
    return write_whole(path, map);
}

int user_namespace_enter(void)
{
    // Inside, nobody is mapped yet, and both would be the overflow ids.
    uid_t uid = geteuid();
    gid_t gid = getegid();
    int error;

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return -errno;
    // Without this the kernel lets no ordinary user map a group.
    error = write_whole("/proc/self/setgroups", "deny");
    if (!error)
        error = write_id_map("/proc/self/uid_map", uid);
    return error ? error : write_id_map("/proc/self/gid_map", gid);
}

/* Returns whether a file below /proc holds this one digit. */
static bool holds_digit(const char *path, char digit)
{
    char text[2];
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && read(fd, text, sizeof(text)) == sizeof(text) && text[0] == digit &&
           text[1] == '\n';
}

const char *user_namespace_missing_setting(void)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (holds_digit(SETTINGS[i].path, SETTINGS[i].forbids))
            return SETTINGS[i].allow;
    }
    return NULL;
}
