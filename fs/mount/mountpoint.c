// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/mountpoint.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/util/log.h"
#include "lib/class/class_root.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/directory_lock.h"
#include "lib/sys/mount_holders.h"
#include "lib/sys/mounts.h"

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000U // since Linux 6.8
#endif

static int complain_of_dead(const char *path, struct complaint *complaint)
{
    return complain(complaint, ENOTCONN,
                    "MOUNTPOINT %s is a mount whose daemon is gone; take it away with: umount %s",
                    path, path);
}

/* Opens and locks a directory to be mounted on. Returns its descriptor or a negative errno. */
static int lock_mountpoint(const char *path, const char *absolute, struct complaint *complaint)
{
    CLEANUP_FD int dir = open(absolute, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (dir < 0 && errno == ENOTCONN)
        return complain_of_dead(path, complaint);
    if (dir < 0 && errno == ENOTDIR)
        return complain(complaint, ENOTDIR, "MOUNTPOINT %s is not a directory", path);
    if (dir < 0)
        return complain(complaint, errno, "MOUNTPOINT %s cannot be opened: %s", path,
                        strerror(errno));
    if (directory_lock(dir, LOCK_EX) == -EBUSY)
        return complain(complaint, EBUSY,
                        "MOUNTPOINT %s is busy: another process is mounting on it just now", path);
    // Asked under the lock, so that the answer can no longer change.
    if (mounts_at(absolute))
        return complain(
            complaint, EBUSY,
            "MOUNTPOINT %s is busy: a shmapfs is mounted there already; unmount it first", path);
    return steal_fd(&dir);
}

int mountpoint_check(const char *path, char resolved[PATH_MAX], struct complaint *complaint)
{
    CLEANUP_FREE char *absolute = realpath(path, NULL);
    CLEANUP_FD int dir = -1;
    int empty;

    if (!absolute && errno == ENOENT)
        return complain(complaint, ENOENT, "MOUNTPOINT %s does not exist; make the directory first",
                        path);
    if (!absolute && errno == ENOTCONN)
        return complain_of_dead(path, complaint);
    if (!absolute)
        return complain(complaint, errno, "MOUNTPOINT %s cannot be used: %s", path,
                        strerror(errno));
    dir = lock_mountpoint(path, absolute, complaint);
    if (dir < 0)
        return dir;
    empty = class_root_is_empty(dir);
    if (empty < 0)
        return complain(complaint, -empty, "MOUNTPOINT %s cannot be read: %s", path,
                        strerror(-empty));
    if (!empty)
        return complain(
            complaint, ENOTEMPTY,
            "MOUNTPOINT %s is not empty; its contents would be hidden; choose an empty directory",
            path);
    strlcpy(resolved, absolute, PATH_MAX);
    return steal_fd(&dir);
}

static bool contains(const char *outer, const char *inner)
{
    size_t length = strlen(outer);

    if (strcmp(outer, "/") == 0)
        return true;
    return strncmp(outer, inner, length) == 0 && (inner[length] == '/' || inner[length] == '\0');
}

int mountpoint_check_store(const char *mountpoint, const char *store, struct complaint *complaint)
{
    if (contains(mountpoint, store))
        return complain(complaint, EINVAL,
                        "STORE %s is inside MOUNTPOINT %s, which would hide it; "
                        "choose two separate directories",
                        store, mountpoint);
    if (contains(store, mountpoint))
        return complain(complaint, EINVAL,
                        "MOUNTPOINT %s is inside STORE %s, which would contain itself; "
                        "choose two separate directories",
                        mountpoint, store);
    return 0;
}

/* Runs the helper that may unmount for users other than root. */
static void run_fusermount(const char *mountpoint)
{
    const char *const arguments[] = { "fusermount3", "-u", "-q", "-z", "--", mountpoint, NULL };
    pid_t helper;

    if (posix_spawnp(&helper, arguments[0], NULL, NULL, (char *const *)(uintptr_t)arguments,
                     environ) == 0)
        waitpid(helper, NULL, 0);
}

/* Returns an id of the mount at a path, of one of two kinds; 0: there is none. The kernel alone
 * answers this: the daemon need not be serving. */
static uint64_t find_id(const char *path, unsigned kind)
{
    struct statx stx;

    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, kind, &stx) != 0)
        return 0;
    return stx.stx_mask & kind ? stx.stx_mnt_id : 0;
}

void mountpoint_identify(const char *path, struct mount_info *info)
{
    uint64_t unique = htole64(find_id(path, STATX_MNT_ID_UNIQUE));

    info->mount_id = find_id(path, STATX_MNT_ID);
    info->device_number = mounts_device_at(path);
    memcpy(info->mount_mark, &unique, sizeof(info->mount_mark));
}

static bool is_that_mount(const char *path, const struct mount_info *info)
{
    static const uint8_t unknown[sizeof(info->mount_mark)];
    struct mount_info found;

    mountpoint_identify(path, &found);
    return found.mount_id == info->mount_id && found.device_number == info->device_number &&
           (memcmp(info->mount_mark, unknown, sizeof(unknown)) == 0 ||
            memcmp(info->mount_mark, found.mount_mark, sizeof(unknown)) == 0);
}

/* It may have been unmounted with files still open, or moved, with another mount in its place. A
 * mount that another one covers cannot be reached: umount(2) would take the other one. */
bool mountpoint_find(const struct mount_info *info, char where[PATH_MAX])
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();

    while (mounts_next(&mounts)) {
        if (mounts.device == info->device_number && strcmp(mounts.type, MOUNTS_TYPE) == 0 &&
            is_that_mount(mounts.directory, info)) {
            strlcpy(where, mounts.directory, PATH_MAX);
            return true;
        }
    }
    return false;
}

static void detach(const char *where)
{
    if (umount2(where, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
        run_fusermount(where);
}

void mountpoint_take_away(const struct mount_info *info)
{
    char where[PATH_MAX];

    if (mountpoint_find(info, where))
        detach(where);
}

int mountpoint_detach(const struct mount_info *info)
{
    char where[PATH_MAX];
    int root;

    if (!mountpoint_find(info, where))
        return -1;
    // Opened first: after the detach no path leads to the mount.
    root = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    detach(where);
    if (root >= 0)
        syncfs(root);
    return root;
}

bool mountpoint_tell_holders(const struct mount_info *info, pid_t process, bool used)
{
    struct mount_holders holders;

    mount_holders_find(info->device_number, NULL, &holders);
    if (holders.count > 0)
        log_event(LOG_WARNING,
                  "the mount at %s was unmounted, but lives on in the mount namespaces of %s; it "
                  "ends when it is unmounted there, too, or with: kill %d",
                  info->mountpoint, holders.names, (int)process);
    else if (used)
        log_event(LOG_WARNING,
                  "the mount at %s was unmounted, but lives on while processes use its files; it "
                  "ends when they do, or with: kill %d",
                  info->mountpoint, (int)process);
    return used || holders.count > 0;
}
