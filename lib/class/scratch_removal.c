// SPDX-License-Identifier: BSD-2-Clause
/*
 * Removing what was set aside of a store's scratch directories.
 *
 * A tree may be deep and large. So each directory is moved to the top before it is emptied, which
 * takes the same few descriptors for any tree, and may end at any moment. Users have made what is
 * there: nothing is followed, and what cannot be removed is left.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/class/scratch_place.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* A directory that was set aside. */
struct removal {
    int top;
    dev_t device;
    time_t end;  // when nothing more is begun; 0: never
    size_t done; // how much was removed or moved
};

static time_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec;
}

static bool is_over(const struct removal *removal)
{
    return removal->end && now() >= removal->end;
}

/* Takes the flags away that keep an entry, or names in a directory, as they are. */
static void take_flags(int fd)
{
    unsigned flags;

    if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
        return;
    flags &= ~(unsigned)(FS_IMMUTABLE_FL | FS_APPEND_FL);
    ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* Takes away what keeps an entry of a directory from being removed or moved. Returns whether it is
 * worth another try. */
static bool loosen(int dir, const char *name, int error)
{
    CLEANUP_FD int entry = -1;
    struct stat st;

    if ((error != EPERM && error != EACCES) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    take_flags(dir);
    if (fchmod(dir, 0700) != 0)
        return false;
    if (S_ISDIR(st.st_mode))
        fchmodat(dir, name, 0700, 0);
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        entry = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    take_flags(entry);
    return true;
}

static bool drop(int dir, const char *name, int flags)
{
    return unlinkat(dir, name, flags) == 0 ||
           (loosen(dir, name, errno) && unlinkat(dir, name, flags) == 0);
}

/* Moves a directory to the top, by a name that nothing there has. */
static bool lift(const struct removal *removal, int dir, const char *name)
{
    char free_name[32];

    snprintf(free_name, sizeof(free_name), "%08" PRIx32 "%08" PRIx32, arc4random(), arc4random());
    return renameat(dir, name, removal->top, free_name) == 0 ||
           (loosen(dir, name, errno) && renameat(dir, name, removal->top, free_name) == 0);
}

static int open_at_top(const struct removal *removal, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    CLEANUP_FD int fd = openat(removal->top, name, flags);
    struct stat st;

    if (fd < 0 && loosen(removal->top, name, errno))
        fd = openat(removal->top, name, flags);
    // Nothing of another filesystem is ours to remove.
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_dev != removal->device)
        return -1;
    return steal_fd(&fd);
}

/* Calls something for each entry of a directory until the time is over. */
static void for_each_entry(struct removal *removal, int dir,
                           void (*work)(struct removal *removal, int dir,
                                        const struct dirent64 *entry))
{
    CLEANUP_FD int opened = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = opened < 0 ? NULL : fdopendir(opened);
    const struct dirent64 *entry;

    if (!stream)
        return;
    steal_fd(&opened);
    while (!is_over(removal) && (entry = readdir64(stream))) {
        if (!object_is_dot(entry->d_name))
            work(removal, dir, entry);
    }
    closedir(stream);
}

/* Removes an entry that is no directory. Returns false if it is one, or stays. */
static bool remove_plain(struct removal *removal, int dir, const struct dirent64 *entry)
{
    bool removed = entry->d_type != DT_DIR && drop(dir, entry->d_name, 0);

    removal->done += removed;
    return removed;
}

static void clear_entry(struct removal *removal, int dir, const struct dirent64 *entry)
{
    if (!remove_plain(removal, dir, entry) && object_may_be_directory(entry))
        removal->done += lift(removal, dir, entry->d_name);
}

static void remove_at_top(struct removal *removal, int top, const struct dirent64 *entry)
{
    CLEANUP_FD int dir = -1;

    if (remove_plain(removal, top, entry) || !object_may_be_directory(entry))
        return;
    dir = open_at_top(removal, entry->d_name);
    if (dir < 0)
        return;
    for_each_entry(removal, dir, clear_entry);
    removal->done += drop(top, entry->d_name, AT_REMOVEDIR);
}

/* Removes one directory that was set aside. Returns whether nothing is left to be done there. */
static bool remove_aside(int directory, const char *name, time_t end)
{
    CLEANUP_FD int top = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct removal removal = { .top = top, .end = end };
    struct stat st;
    size_t before;

    // Another process that removes it goes on.
    if (top < 0 || fstat(top, &st) != 0 || flock(top, LOCK_EX | LOCK_NB) != 0)
        return true;
    removal.device = st.st_dev;
    do {
        before = removal.done;
        for_each_entry(&removal, top, remove_at_top);
    } while (removal.done > before && !is_over(&removal));
    return drop(directory, name, AT_REMOVEDIR) || !is_over(&removal);
}

bool scratch_remove(int directory, unsigned seconds)
{
    CLEANUP_FD int opened = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = opened < 0 ? NULL : fdopendir(opened);
    time_t end = seconds ? now() + (time_t)seconds : 0;
    const struct dirent64 *entry;
    bool all = true;

    if (!stream)
        return true;
    steal_fd(&opened);
    while ((entry = readdir64(stream))) {
        if (strncmp(entry->d_name, SCRATCH_ASIDE, strlen(SCRATCH_ASIDE)) == 0)
            all &= remove_aside(directory, entry->d_name, end);
    }
    closedir(stream);
    return all;
}
