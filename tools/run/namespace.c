// SPDX-License-Identifier: BSD-2-Clause
#include "tools/run/namespace.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/process/user_namespace.h"
#include "lib/sys/cleanup.h"
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

static int cover(const char *directory)
{
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    int error;

    // A mount there could be a shmapfs of another run, which would then live as long as this one.
    // In a user namespace it cannot be taken away.
    while (umount2(directory, MNT_DETACH) == 0)
        ;
    // One inode is the directory's own. A read-only one would say so to whoever removes a name that
    // went with the mount, and not that it is gone.
    if (mount("tmpfs", directory, "tmpfs", flags, "size=4k,nr_inodes=1,mode=1777") == 0)
        return 0;
    error = errno;
    fail(directory, "cannot be covered: %s", strerror(error));
    return -error;
}

int namespace_enter(const char *directory, bool *user_namespace)
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
    return cover(directory);
}

/* Returns whether a descriptor is one of this process' own namespace, by its path. */
static bool is_mine(int fd, const char *path)
{
    struct stat of, mine;

    return fstat(fd, &of) == 0 && stat(path, &mine) == 0 && of.st_dev == mine.st_dev &&
           of.st_ino == mine.st_ino;
}

int namespace_join(int process, bool *user_namespace)
{
    CLEANUP_FD int user = openat(process, "ns/user", O_RDONLY | O_CLOEXEC);
    CLEANUP_FD int mounts = openat(process, "ns/mnt", O_RDONLY | O_CLOEXEC);
    CLEANUP_FD int root = openat(process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
    int error = user < 0 || mounts < 0 || root < 0 ? -errno : 0;

    *user_namespace = !error && !is_mine(user, "/proc/self/ns/user");
    if (!error && ((*user_namespace && setns(user, CLONE_NEWUSER) != 0) ||
                   setns(mounts, CLONE_NEWNS) != 0 || fchdir(root) != 0 || chroot(".") != 0))
        error = -errno;
    if (error)
        warnx("the run's namespaces cannot be entered: %s; it takes what beginning a run takes, "
              "outside of other runs",
              strerror(-error));
    return error;
}
