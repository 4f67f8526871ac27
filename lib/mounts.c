// SPDX-License-Identifier: BSD-2-Clause
#define LIBBSD_NETBSD_VIS // vis.h wants to know whose strnvis(3) is meant; none is used here
#include "mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "cleanup.h"

/* One line of the kernel's table. getmntent(3) does not undo all that the kernel escapes ('#' is
 * \043). */
struct line {
    char *source;
    char *directory;
    char *type;
};

static char *next_field(char **rest)
{
    char *field = strsep(rest, " ");

    return field && strunvis(field, field) >= 0 ? field : NULL;
}

static bool parse(char *text, struct line *line)
{
    char *rest = text;

    line->source = next_field(&rest);
    line->directory = next_field(&rest);
    line->type = next_field(&rest);
    return line->source && line->directory && line->type;
}

/* The directory of the first shmapfs whose source or directory is the one given; NULL matches any.
 * */
static bool find(const char *source, const char *directory, char *found, size_t size)
{
    FILE *table = fopen("/proc/self/mounts", "re");
    CLEANUP_FREE char *text = NULL;
    struct line line;
    size_t room = 0;
    bool hit = false;

    while (table && !hit && getline(&text, &room, table) > 0) {
        hit = parse(text, &line) && strcmp(line.type, MOUNTS_TYPE) == 0 &&
              (!source || strcmp(line.source, source) == 0) &&
              (!directory || strcmp(line.directory, directory) == 0);
        if (hit && found)
            strlcpy(found, line.directory, size);
    }
    if (table)
        fclose(table);
    return hit;
}

bool mounts_find_store(const char *store, char *mountpoint, size_t size)
{
    return find(store, NULL, mountpoint, size);
}

bool mounts_at(const char *path)
{
    return find(NULL, path, NULL, 0);
}

bool mounts_find_id(uint64_t id, char *mountpoint, size_t size)
{
    FILE *table = fopen("/proc/self/mountinfo", "re");
    CLEANUP_FREE char *text = NULL;
    size_t room = 0;
    bool hit = false;

    while (table && !hit && getline(&text, &room, table) > 0) {
        char *rest = text;
        char *number = next_field(&rest);
        char *directory = NULL;

        // Then come the parent's id, the device, and the root.
        for (int field = 0; number && field < 4; field++)
            directory = next_field(&rest);
        hit = directory && strtoull(number, NULL, 10) == id;
        if (hit)
            strlcpy(mountpoint, directory, size);
    }
    if (table)
        fclose(table);
    return hit;
}
