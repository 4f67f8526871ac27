// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/namespace.h"

#include "tools/ui/output.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Where an administrator forbids namespaces. */
static const struct {
    const char *name; /* below /proc/sys */
    char forbids;
    const char *allow;
} SETTINGS[] = {
    { "kernel/unprivileged_userns_clone", '0', "kernel.unprivileged_userns_clone=1" },
    { "user/max_user_namespaces", '0', "user.max_user_namespaces=10000" },
    { "user/max_mnt_namespaces", '0', "user.max_mnt_namespaces=10000" },
    { "kernel/apparmor_restrict_unprivileged_userns", '1',
      "kernel.apparmor_restrict_unprivileged_userns=0" },
};
#define SETTING_COUNT (sizeof(SETTINGS) / sizeof(SETTINGS[0]))

static bool is_set(const char *name, char value)
{
    char path[80], text[2] = "";

    snprintf(path, sizeof(path), "/proc/sys/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool set = fd >= 0 && read(fd, text, sizeof(text)) == sizeof(text) && text[0] == value &&
               text[1] == '\n';
    if (fd >= 0)
        close(fd);
    return set;
}

/* What sysctl(8) is to set so that there can be namespaces; NULL: it is not that. */
static const char *missing_setting(void)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (is_set(SETTINGS[i].name, SETTINGS[i].forbids))
            return SETTINGS[i].allow;
    return NULL;
}

static int refuse_user_namespace(int error)
{
    const char *setting = missing_setting();

    if (setting)
        warnx("run takes root with CAP_SYS_ADMIN, or a user namespace, which this machine forbids "
              "(%s); root allows it with: sysctl %s",
              strerror(error), setting);
    else
        warnx("run takes root with CAP_SYS_ADMIN, or a user namespace, which a security policy of "
              "this machine or container forbids (%s)",
              strerror(error));
    return -error;
}

static int refuse_mount_namespace(int error)
{
    const char *setting = error == ENOSPC ? missing_setting() : NULL;

    warnx("no mount namespace can be made: %s%s%s", strerror(error),
          setting ? "; root allows it with: sysctl " : "", setting ? setting : "");
    return -error;
}

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    size_t length = strlen(text);
    int error = fd >= 0 && write(fd, text, length) == (ssize_t)length ? 0 : -errno;

    if (fd >= 0)
        close(fd);
    return error;
}

/* A namespace in which the user is still himself, and nobody else is anybody. */
static int enter_user_namespace(void)
{
    uid_t uid = geteuid();
    gid_t gid = getegid();
    char uid_map[64], gid_map[64];

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return refuse_user_namespace(errno);
    snprintf(uid_map, sizeof(uid_map), "%u %u 1\n", uid, uid);
    snprintf(gid_map, sizeof(gid_map), "%u %u 1\n", gid, gid);
    int error = write_file("/proc/self/setgroups", "deny");
    if (!error)
        error = write_file("/proc/self/uid_map", uid_map);
    if (!error)
        error = write_file("/proc/self/gid_map", gid_map);
    return error ? refuse_user_namespace(-error) : 0;
}

static int cover(void)
{
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;

    /* What is there could be a shmapfs of another run, which would then live as long as this one.
     * In a user namespace it cannot be taken away. */
    while (umount2(SHM_DIRECTORY, MNT_DETACH) == 0)
        ;
    if (mount("tmpfs", SHM_DIRECTORY, "tmpfs", flags, "size=4k,mode=0555") == 0)
        return 0;
    int error = errno;
    fail(SHM_DIRECTORY, error == ENOENT ? "%s; make the directory first" : "cannot be covered: %s",
         strerror(error));
    return -error;
}

int namespace_enter(bool *user_namespace)
{
    int error = unshare(CLONE_NEWNS) == 0 ? 0 : -errno;

    *user_namespace = error == -EPERM;
    if (*user_namespace)
        error = enter_user_namespace();
    else if (error)
        refuse_mount_namespace(-error);
    if (error)
        return error;
    /* Otherwise the machine would see what is mounted here. */
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) {
        error = -errno;
        if (*user_namespace && error == -EACCES)
            return refuse_user_namespace(-error);
        fail("/", "the mounts cannot be kept apart from the machine's: %s", strerror(-error));
        return error;
    }
    return cover();
}
