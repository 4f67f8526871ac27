// SPDX-License-Identifier: BSD-2-Clause
/*
 * Directories can be listed without being opened if two things hold. A position that one descriptor
 * was given must be the same place for any other descriptor; and that other descriptor must not
 * find what was made or renamed since the listing began. Otherwise a program that renames what it
 * lists would not come to an end: btrfs and Linux 6.6 to 6.13's tmpfs (but for that of Debian's
 * 6.12) note for each descriptor where its end is. An older tmpfs counts entries, so that every
 * removal moves the position.
 *
 * ext4 and xfs have such positions (NFS demands the same of them); tmpfs is tried. Of other
 * filesystems it is not known.
 *
 * The daemon must also be allowed to read every directory: a program that has begun a listing goes
 * on with it even when it may not read the directory any more.
 */
#include "fs/vfs/readdir_policy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/state/stream.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

enum positions {
    POSITIONS_COUNT,     // the same number is another place once a name was removed
    POSITIONS_OF_STREAM, // they stay true; another descriptor finds new names after them
    POSITIONS_HOLD,      // they stay true, and mean the same to any descriptor
};

struct position {
    off_t offset;
    char name[NAME_MAX + 1];
};

/* Reads the next entry except `.` and `..`, and the position after it. Returns 1, or 0 at the end,
 * or a negative errno. */
static int next_entry(int dir, struct position *found)
{
    // Room for one entry of any length, and perhaps for several; the others are read again.
    _Alignas(struct dirent64) char buffer[sizeof(struct dirent64)];
    const struct dirent64 *entry;
    ssize_t length;

    while ((length = getdents64(dir, buffer, sizeof(buffer))) > 0) {
        for (ssize_t at = 0; at < length; at += entry->d_reclen) {
            entry = (const void *)(buffer + at);
            if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                continue;
            found->offset = entry->d_off;
            strlcpy(found->name, entry->d_name, sizeof(found->name));
            return lseek(dir, entry->d_off, SEEK_SET) < 0 ? -errno : 1;
        }
    }
    return length == 0 ? 0 : -errno;
}

static int make_file(int dir, const char *name)
{
    CLEANUP_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    return fd < 0 ? -errno : 0;
}

/* Returns whether a new descriptor finds, from a position on, this name and no other. */
static bool finds_only(int dir, off_t offset, const char *name)
{
    CLEANUP_FD int again = object_reopen(dir, O_RDONLY | O_DIRECTORY);
    struct position found;

    return again >= 0 && lseek(again, offset, SEEK_SET) >= 0 && next_entry(again, &found) == 1 &&
           strcmp(found.name, name) == 0 && next_entry(again, &found) == 0;
}

/* Lists the first of two files, removes it, and goes on; then makes another one, and goes on
 * again. */
static enum positions try_positions(int dir)
{
    struct position first;
    const char *second;

    if (make_file(dir, "a") != 0 || make_file(dir, "b") != 0 || next_entry(dir, &first) != 1 ||
        unlinkat(dir, first.name, 0) != 0)
        return POSITIONS_COUNT;
    second = strcmp(first.name, "a") == 0 ? "b" : "a";
    if (!finds_only(dir, first.offset, second))
        return POSITIONS_COUNT;
    if (make_file(dir, "c") != 0 || !finds_only(dir, first.offset, second))
        return POSITIONS_OF_STREAM;
    return POSITIONS_HOLD;
}

/* Positions that cannot be tried out count as the worst. */
static enum positions tmpfs_positions(const struct area *ram)
{
    static const char name[] = ".positions", *const files[] = { "a", "b", "c" };
    enum positions positions = POSITIONS_COUNT;
    CLEANUP_FD int dir = -1;

    if (mkdirat(ram->root, name, 0700) != 0)
        return positions;
    dir = openat(ram->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0)
        positions = try_positions(dir);
    for (size_t i = 0; dir >= 0 && i < sizeof(files) / sizeof(files[0]); i++)
        unlinkat(dir, files[i], 0);
    unlinkat(ram->root, name, AT_REMOVEDIR);
    return positions;
}

static bool store_positions_hold(const struct area *store)
{
    static const char *const known[] = { "ext4", "xfs", "tmpfs" };

    if (store->root < 0)
        return true;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(store->filesystem, known[i]) == 0)
            return true;
    }
    return false;
}

int readdir_policy_choose(struct volume *volume)
{
    struct mount_info *info = &volume->info;
    enum positions of_tmpfs = tmpfs_positions(&info->areas[AREA_RAM]);
    int memory;

    // Nobody tells the kernel of changes behind the mount. A user who expects some sets how long a
    // name may be trusted, but the kernel would trust listings for longer: it does not count their
    // seconds. Other hosts are expected whatever he sets.
    info->keeps_listings = info->timeout >= TIMEOUT_DEFAULT && !info->shared;
    info->lists_unopened = info->keeps_listings && info->cred.privileged &&
                           store_positions_hold(&info->areas[AREA_STORE]) &&
                           of_tmpfs == POSITIONS_HOLD;
    if (of_tmpfs != POSITIONS_COUNT)
        return 0;
    memory = stream_memory_create();
    if (memory < 0)
        return memory;
    volume->state->streams = memory;
    return 0;
}

int readdir_policy_records(struct volume *volume, unsigned area)
{
    bool counts = strcmp(volume_area(volume, area)->filesystem, "tmpfs") == 0;

    return counts ? volume->state->streams : 0;
}

bool readdir_policy_keeps(struct volume *volume, unsigned area)
{
    // A listing that one stream has given has positions of no other.
    return volume->info.keeps_listings && volume_timeout(volume) >= TIMEOUT_DEFAULT &&
           !readdir_policy_records(volume, area);
}
