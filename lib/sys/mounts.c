// SPDX-License-Identifier: BSD-2-Clause
#define LIBBSD_NETBSD_VIS // vis.h wants to know whose strnvis(3) is meant; none is used here
#include "lib/sys/mounts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <vis.h>

#include "lib/sys/cleanup.h"

struct mounts mounts_begin(void)
{
    return (struct mounts){ .table = fopen("/proc/self/mountinfo", "re") };
}

struct mounts mounts_begin_of(int process)
{
    CLEANUP_FD int fd = openat(process, "mountinfo", O_RDONLY | O_CLOEXEC);
    FILE *table = fd < 0 ? NULL : fdopen(fd, "r");

    if (table)
        steal_fd(&fd);
    return (struct mounts){ .table = table };
}

void mounts_end(struct mounts *mounts)
{
    if (mounts->table)
        fclose(mounts->table);
    free(mounts->line);
}

/* Cuts off the next field. getmntent(3) does not undo all that the kernel escapes ('#' is \043). */
static char *next_field(char **rest)
{
    char *field = strsep(rest, " ");

    return field && strunvis(field, field) >= 0 ? field : NULL;
}

/* Reads MAJOR:MINOR; 0: it is something else. */
static dev_t parse_device(const char *field)
{
    char *end = NULL;
    unsigned long high = field ? strtoul(field, &end, 10) : 0;

    return field && *end == ':' ? makedev(high, strtoul(end + 1, NULL, 10)) : 0;
}

static uint64_t parse_number(const char *field)
{
    return field ? strtoull(field, NULL, 10) : 0;
}

/* Reads a line as proc(5) describes it: id, parent's id, device, root, directory, options, any
 * number of further fields, a dash, type, source, the filesystem's options. */
static bool parse_mount(struct mounts *mounts)
{
    char *rest = mounts->line;
    const char *field;

    mounts->id = parse_number(next_field(&rest));
    mounts->parent = parse_number(next_field(&rest));
    mounts->device = parse_device(next_field(&rest));
    mounts->root = next_field(&rest);
    mounts->directory = next_field(&rest);
    mounts->flags = next_field(&rest);
    do
        field = next_field(&rest);
    while (field && strcmp(field, "-") != 0);
    mounts->type = next_field(&rest);
    mounts->source = next_field(&rest);
    mounts->options = next_field(&rest);
    return mounts->directory && mounts->type && mounts->source && mounts->options;
}

bool mounts_next(struct mounts *mounts)
{
    while (mounts->table && getline(&mounts->line, &mounts->room, mounts->table) > 0) {
        mounts->line[strcspn(mounts->line, "\n")] = '\0';
        if (parse_mount(mounts))
            return true;
    }
    return false;
}

static bool is_shmapfs(const struct mounts *mounts)
{
    return strcmp(mounts->type, MOUNTS_TYPE) == 0;
}

bool mounts_find_store(const char *store, char *mountpoint, size_t size)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();

    while (mounts_next(&mounts)) {
        if (is_shmapfs(&mounts) && strcmp(mounts.source, store) == 0) {
            strlcpy(mountpoint, mounts.directory, size);
            return true;
        }
    }
    return false;
}

bool mounts_at(const char *path)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    bool found = false;

    // The last one of several mounts on a directory is seen.
    while (mounts_next(&mounts)) {
        if (strcmp(mounts.directory, path) == 0)
            found = is_shmapfs(&mounts);
    }
    return found;
}

dev_t mounts_device_at(const char *path)
{
    struct statx stx;

    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx) != 0)
        return 0;
    return makedev(stx.stx_dev_major, stx.stx_dev_minor);
}

bool mounts_find_type(dev_t device, char *type, size_t size)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();

    while (mounts_next(&mounts)) {
        if (mounts.device != device)
            continue;
        strlcpy(type, mounts.type, size);
        return true;
    }
    return false;
}

bool mounts_have_device(dev_t device)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    bool hit = !mounts.table;

    while (!hit && mounts_next(&mounts))
        hit = mounts.device == device;
    return hit;
}
