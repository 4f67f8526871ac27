// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/namespace.h"

#include <err.h>
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "lib/process/user_namespace.h"
#include "tools/ui/output.h"

static int fail_user_namespace(int error)
{
    const char *setting = user_namespace_missing_setting();

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

static int fail_mount_namespace(int error)
{
    const char *setting = error == ENOSPC ? user_namespace_missing_setting() : NULL;

    warnx("no mount namespace can be made: %s%s%s", strerror(error),
          setting ? "; root allows it with: sysctl " : "", setting ? setting : "");
    return -error;
}

static int cover_shm(void)
{
    const unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
    int error;

    // What is there could be a shmapfs of another run, which would then live as long as this one.
    // In a user namespace it cannot be taken away.
    while (umount2(SHM_DIRECTORY, MNT_DETACH) == 0)
        ;
    if (mount("tmpfs", SHM_DIRECTORY, "tmpfs", flags, "size=4k,mode=0555") == 0)
        return 0;
    error = errno;
    fail(SHM_DIRECTORY, error == ENOENT ? "%s; make the directory first" : "cannot be covered: %s",
         strerror(error));
    return -error;
}

int namespace_enter(bool *user_namespace)
{
    int error = unshare(CLONE_NEWNS) == 0 ? 0 : -errno;

    *user_namespace = error == -EPERM;
    if (*user_namespace)
        error = user_namespace_enter();
    if (error)
        return *user_namespace ? fail_user_namespace(-error) : fail_mount_namespace(-error);
    // Otherwise the machine would see what is mounted here.
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) {
        error = -errno;
        if (*user_namespace && error == -EACCES)
            return fail_user_namespace(-error);
        fail("/", "the mounts cannot be kept apart from the machine's: %s", strerror(-error));
        return error;
    }
    return cover_shm();
}
