// SPDX-License-Identifier: BSD-2-Clause
/* Changes of a RAM area that is in use. */
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/param.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/area/area.h"
#include "lib/area/tmpfs.h"
#include "lib/sys/cleanup.h"

/* Returns the limit of files for a new size: more than before where the old limit was that of the
 * old size or above it; a lower one was asked for, and stays. */
static uint64_t inodes_after_resize(int root, uint64_t size)
{
    struct statvfs vfs;
    uint64_t next = tmpfs_default_inodes(size);

    if (fstatvfs(root, &vfs) != 0)
        return 0;
    if (vfs.f_files < tmpfs_default_inodes((uint64_t)vfs.f_blocks * vfs.f_frsize) ||
        vfs.f_files > next)
        return vfs.f_files;
    return next;
}

static int set_limits(int fs, int root, const struct ram_changes *changes)
{
    uint64_t inodes = changes->inodes;
    int error = 0;

    if (changes->size)
        error = tmpfs_set_number(fs, "size", "%llu", changes->size);
    if (changes->size && !inodes)
        inodes = inodes_after_resize(root, changes->size);
    if (!error && inodes)
        error = tmpfs_set_number(fs, "nr_inodes", "%llu", inodes);
    return error;
}

/* Returns whether a limit is less than what is in use, which the kernel finds out only when it
 * changes it. */
static bool is_too_little(int root, const struct ram_changes *changes)
{
    struct statvfs vfs;

    if (fstatvfs(root, &vfs) != 0)
        return false;
    return (changes->size && howmany(changes->size, vfs.f_frsize) < vfs.f_blocks - vfs.f_bfree) ||
           (changes->inodes && changes->inodes < vfs.f_files - vfs.f_ffree);
}

static int reconfigure(int root, const struct ram_changes *changes)
{
    CLEANUP_FD int fs = fspick(root, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
    struct tmpfs_refused refused;
    int error;

    if (fs < 0)
        return -errno;
    error = set_limits(fs, root, changes);
    if (!error && changes->huge)
        error = tmpfs_set(fs, "huge", changes->huge);
    if (!error)
        error = tmpfs_set_words(fs, changes->words, &refused);
    if (!error && changes->dry)
        return is_too_little(root, changes) ? -EINVAL : 0;
    if (!error && fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) != 0)
        error = -errno;
    return error;
}

int ram_change(const struct area *area, const struct ram_changes *changes)
{
    return ram_change_beside(area, area, changes);
}

int ram_change_beside(const struct area *area, const struct area *beside,
                      const struct ram_changes *changes)
{
    pid_t child;
    int status;

    if (beside->user_namespace < 0)
        return reconfigure(area->root, changes);
    // A process with several threads cannot enter a user namespace; a child has one thread.
    child = fork();
    if (child < 0)
        return -errno;
    if (child == 0) {
        if (setns(beside->user_namespace, CLONE_NEWUSER) != 0 || unshare(CLONE_NEWNS) != 0)
            _exit(errno);
        _exit(-reconfigure(area->root, changes));
    }
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

int ram_resize(const struct area *area, uint64_t size)
{
    return ram_change(area, &(struct ram_changes){ .size = size });
}
