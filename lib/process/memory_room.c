// SPDX-License-Identifier: BSD-2-Clause
#include "lib/process/memory_room.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

#define MIB (INT64_C(1) << 20)

/* Longer than memory.stat and meminfo of any kernel so far. */
#define TEXT_MAX 8192

/* Version 1 of control groups writes a number near this one for no limit. */
#define NO_LIMIT (INT64_MAX / 2)

/* The names that a version of control groups has for its files and the lines of memory.stat. */
struct memory_files {
    const char *limits[2];
    const char *usage;
    const char *swap_limit;
    const char *swap_usage;
    const char *file_lines[2];
    const char *anonymous_lines[2];
    const char *slab_line; // NULL: it does not tell
};

static const struct memory_files FILES_1 = {
    .limits = { "memory.limit_in_bytes", NULL },
    .usage = "memory.usage_in_bytes",
    // Memory and swap together; what is left of it is room for either.
    .swap_limit = "memory.memsw.limit_in_bytes",
    .swap_usage = "memory.memsw.usage_in_bytes",
    .file_lines = { "\ntotal_inactive_file ", "\ntotal_active_file " },
    .anonymous_lines = { "\ntotal_inactive_anon ", "\ntotal_active_anon " },
};

static const struct memory_files FILES_2 = {
    .limits = { "memory.max", "memory.high" },
    .usage = "memory.current",
    .swap_limit = "memory.swap.max",
    .swap_usage = "memory.swap.current",
    .file_lines = { "\ninactive_file ", "\nactive_file " },
    .anonymous_lines = { "\ninactive_anon ", "\nactive_anon " },
    .slab_line = "\nslab_reclaimable ",
};

static bool read_text(const char *path, char text[TEXT_MAX])
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text + 1, TEXT_MAX - 2);

    // The first line is found like any other.
    text[0] = '\n';
    text[length > 0 ? length + 1 : 1] = '\0';
    return length > 0;
}

/* Reads a file of one number; "max", and no such file: no limit. */
static int64_t read_number(const char *directory, const char *name)
{
    char path[PATH_MAX + 64], text[TEXT_MAX];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return read_text(path, text) && strncmp(text + 1, "max", 3) != 0
               ? (int64_t)strtoll(text + 1, NULL, 10)
               : INT64_MAX;
}

static int64_t line_number(const char *text, const char *line)
{
    const char *at = line ? strstr(text, line) : NULL;

    return at ? (int64_t)strtoll(at + strlen(line), NULL, 10) : 0;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t reserve_of(int64_t limit, int64_t low, int64_t high)
{
    return limit < low * 8 ? low : least(limit / 8, high);
}

static int64_t swap_room(const struct memory_files *files, const char *directory, int64_t swap_free)
{
    int64_t limit = read_number(directory, files->swap_limit);

    return limit >= NO_LIMIT ? swap_free
                             : least(swap_free, limit - read_number(directory, files->swap_usage));
}

/* Returns what the kernel can free of a group's memory. */
static int64_t reclaimable(const struct memory_files *files, const char *directory,
                           int64_t swap_free)
{
    char path[PATH_MAX + 64], text[TEXT_MAX];
    int64_t anonymous, files_cached;

    snprintf(path, sizeof(path), "%s/memory.stat", directory);
    if (!read_text(path, text))
        return 0;
    files_cached =
        line_number(text, files->file_lines[0]) + line_number(text, files->file_lines[1]);
    anonymous =
        line_number(text, files->anonymous_lines[0]) + line_number(text, files->anonymous_lines[1]);
    // The names of a tmpfs are among what counts as reclaimable of the slabs, and are not.
    return files_cached + line_number(text, files->slab_line) / 2 +
           (swap_free > 0 ? least(anonymous, swap_room(files, directory, swap_free)) : 0);
}

static int64_t room_of_group(const struct memory_files *files, const char *directory,
                             int64_t swap_free)
{
    int64_t limit = INT64_MAX;
    int64_t reserve, room;

    for (int i = 0; i < 2 && files->limits[i]; i++)
        limit = least(limit, read_number(directory, files->limits[i]));
    if (limit >= NO_LIMIT)
        return INT64_MAX;
    reserve = reserve_of(limit, 4 * MIB, 64 * MIB);
    room = limit - read_number(directory, files->usage) - reserve;
    // The long text of numbers is read only where they matter.
    return room > reserve ? room : room + reclaimable(files, directory, swap_free);
}

static int64_t room_of_machine(const char *text)
{
    int64_t total = line_number(text, "\nMemTotal:") << 10;
    int64_t available = line_number(text, "\nMemAvailable:") << 10;
    int64_t swap_free = line_number(text, "\nSwapFree:") << 10;

    return total ? available + swap_free - reserve_of(total / 8, 16 * MIB, 256 * MIB) : INT64_MAX;
}

int64_t memory_room(const struct memory_group *group, const char *meminfo)
{
    char directory[PATH_MAX], text[TEXT_MAX];
    int64_t room, swap_free;

    read_text(meminfo, text);
    room = room_of_machine(text);
    swap_free = line_number(text, "\nSwapFree:") << 10;
    if (!group->files)
        return room;
    strlcpy(directory, group->directory, sizeof(directory));
    for (size_t end = strlen(directory); end >= group->top && end > 0; end--) {
        if (directory[end] != '\0' && directory[end] != '/')
            continue;
        directory[end] = '\0';
        room = least(room, room_of_group(group->files, directory, swap_free));
    }
    return room;
}

void memory_group_at(struct memory_group *group, int version, const char *directory, size_t top)
{
    size_t end = strlcpy(group->directory, directory, sizeof(group->directory));

    while (end > top && group->directory[end - 1] == '/')
        group->directory[--end] = '\0';
    group->files = version == 1 ? &FILES_1 : &FILES_2;
    group->top = top;
}

/* Finds the path of our group within a hierarchy in a text like /proc/self/cgroup. */
static bool find_path(const char *text, int version, char path[PATH_MAX])
{
    const char *line = strstr(text, version == 1 ? ":memory:" : "\n0::");
    const char *begin = line ? line + (version == 1 ? 8 : 4) : NULL;

    if (begin)
        snprintf(path, PATH_MAX, "%.*s", (int)strcspn(begin, "\n"), begin);
    return begin;
}

static int version_of(const struct mounts *mounts)
{
    if (strcmp(mounts->type, "cgroup2") == 0)
        return 2;
    return strcmp(mounts->type, "cgroup") == 0 && strstr(mounts->options, "memory") ? 1 : 0;
}

/* Returns whether a directory is a group with files of this version: of a mixture of versions, one
 * alone has those for memory. */
static bool is_group(const struct memory_group *group)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%s", group->directory, group->files->usage);
    return access(path, R_OK) == 0;
}

static bool find_in(struct memory_group *group, const struct mounts *mounts, const char *cgroups)
{
    char path[PATH_MAX], directory[PATH_MAX];
    size_t root = strcmp(mounts->root, "/") == 0 ? 0 : strlen(mounts->root);
    int version = version_of(mounts);

    // A mount may begin below the top of its hierarchy, as containers have it.
    if (!version || !find_path(cgroups, version, path) || strncmp(path, mounts->root, root) != 0)
        return false;
    if (snprintf(directory, sizeof(directory), "%s%s", mounts->directory, path + root) >=
        (int)sizeof(directory))
        return false;
    memory_group_at(group, version, directory, strlen(mounts->directory));
    return is_group(group);
}

void memory_group_find(struct memory_group *group)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    char cgroups[TEXT_MAX];

    group->files = NULL;
    if (!read_text("/proc/self/cgroup", cgroups))
        return;
    while (mounts_next(&mounts)) {
        if (find_in(group, &mounts, cgroups))
            return;
    }
    group->files = NULL;
}
