// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

int sandbox_skip(const char *reason)
{
    const char *forbidden = getenv("SHMAPFS_NO_SKIP");
    bool fail = forbidden != NULL && strcmp(forbidden, "1") == 0;
    fprintf(stderr, "%s: %s\n", fail ? "FAILED, skipping is forbidden" : "SKIPPED", reason);
    return fail ? EXIT_FAILURE : EXIT_SKIPPED;
}

static int remove_entry(const char *path, const struct stat *attr, int type, struct FTW *position)
{
    (void)attr;
    (void)position;
    return type == FTW_DP ? rmdir(path) : unlink(path);
}

int sandbox_remove_tree(const char *path)
{
    return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 ? 0 : -errno;
}

static int write_line(const char *path, const char *line)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = write(fd, line, strlen(line)) < 0 ? -errno : 0;
    close(fd);
    return error;
}

// A user namespace in which the caller is still itself, and has every capability until it executes
// a program.
static int enter_user_namespace(void)
{
    char uid_map[64], gid_map[64];
    snprintf(uid_map, sizeof(uid_map), "%u %u 1\n", getuid(), getuid());
    snprintf(gid_map, sizeof(gid_map), "%u %u 1\n", getgid(), getgid());
    if (unshare(CLONE_NEWUSER) < 0)
        return -errno;
    int error = write_line("/proc/self/setgroups", "deny\n");
    if (error == 0)
        error = write_line("/proc/self/uid_map", uid_map);
    return error == 0 ? write_line("/proc/self/gid_map", gid_map) : error;
}

// The first process of the PID namespace: whatever it leaves running dies with it.
static int first_process(int (*body)(void *), void *argument, const sigset_t *mask)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    if (unshare(CLONE_NEWNS) < 0)
        return sandbox_skip("the kernel allows no mount namespace");
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
        return sandbox_skip("the mounts cannot be made private");
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
        return sandbox_skip("a PID namespace cannot have its own /proc here");
    umask(022);
    return body(argument);
}

static int exit_status(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "FAILED: the group was killed by signal %d\n", WTERMSIG(status));
    return EXIT_FAILURE;
}

// Waits for the child, and sees to it that a signal to this process ends the child and still lets
// us clean up.
static int await_child(pid_t child, const sigset_t *signals)
{
    for (;;) {
        int status, signal = sigwaitinfo(signals, NULL);
        if (signal > 0 && signal != SIGCHLD) {
            fprintf(stderr, "FAILED: ended by signal %d\n", signal);
            kill(child, SIGKILL);
        }
        if (waitpid(child, &status, WNOHANG) == child)
            return exit_status(status);
    }
}

int sandbox_run(const struct sandbox *sandbox, int (*body)(void *), void *argument)
{
    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before);

    int status = EXIT_FAILURE;
    if (!sandbox->by_root && enter_user_namespace() < 0)
        status = sandbox_skip("neither root nor allowed to make a user namespace");
    else if (unshare(CLONE_NEWPID) < 0)
        status = sandbox_skip("the kernel allows no PID namespace");
    else {
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            status = first_process(body, argument, &before);
            fflush(NULL);
            _exit(status);
        }
        if (child > 0)
            status = await_child(child, &signals);
    }

    int error = sandbox_remove_tree(sandbox->top);
    if (error < 0) {
        fprintf(stderr, "FAILED: cannot remove %s: %s\n", sandbox->top, strerror(-error));
        status = EXIT_FAILURE;
    }
    return status;
}

// The place of a device file like /dev/fuse.
struct fuse_place {
    char directory[256], node[288];
};

static struct fuse_place fuse_place(const struct sandbox *sandbox)
{
    struct fuse_place place;

    snprintf(place.directory, sizeof(place.directory), "%s/dev", sandbox->top);
    snprintf(place.node, sizeof(place.node), "%s/fuse", place.directory);
    return place;
}

int sandbox_share_fuse_device(const struct sandbox *sandbox)
{
    struct fuse_place place = fuse_place(sandbox);
    struct stat device;

    if (stat("/dev/fuse", &device) < 0)
        return -errno;
    if ((device.st_mode & 0006) == 0006)
        return 0;
    if (mkdir(place.directory, 0755) < 0 ||
        mount("tmpfs", place.directory, "tmpfs", 0, "size=1m,mode=0755") < 0 ||
        mknod(place.node, S_IFCHR | 0666, device.st_rdev) < 0 || chmod(place.node, 0666) < 0 ||
        mount(place.node, "/dev/fuse", NULL, MS_BIND, NULL) < 0)
        return -errno;
    return 0;
}

int sandbox_unshare_fuse_device(const struct sandbox *sandbox)
{
    struct fuse_place place = fuse_place(sandbox);

    if (access(place.node, F_OK) < 0)
        return errno == ENOENT ? 0 : -errno;
    return umount("/dev/fuse") < 0 || umount(place.directory) < 0 ? -errno : 0;
}

// An ambient capability is the one kind that a program without privileges of its own keeps when it
// is executed.
static int keep_only(unsigned capability, bool keep)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2] = { 0 };
    if (keep) {
        struct __user_cap_data_struct *set = &sets[CAP_TO_INDEX(capability)];
        set->effective = set->permitted = set->inheritable = CAP_TO_MASK(capability);
    }
    if (syscall(SYS_capset, &header, sets) < 0)
        return -errno;
    if (keep && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
        return -errno;
    return 0;
}

int sandbox_drop_privileges(const struct sandbox *sandbox, bool may_mount)
{
    if (!sandbox->by_root)
        return keep_only(CAP_SYS_ADMIN, may_mount);
    if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return -errno;
    // A change of user hides /proc/self/fd from its own process, through which O_TMPFILE files get
    // their name.
    return prctl(PR_SET_DUMPABLE, 1) < 0 ? -errno : 0;
}
