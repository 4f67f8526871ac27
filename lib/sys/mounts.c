// SPDX-License-Identifier: BSD-2-Clause
#define LIBBSD_NETBSD_VIS // vis.h wants to know whose strnvis(3) is meant; none is used here
#include "lib/sys/mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vis.h>

#include "lib/sys/cleanup.h"

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

/* The lines of the table, one after the other; false behind the last. */
static bool next_line(FILE *table, char **text, size_t *room, struct line *line)
{
    while (getline(text, room, table) > 0) {
        if (parse(*text, line))
            return true;
    }
    return false;
}

bool mounts_find_store(const char *store, char *mountpoint, size_t size)
{
    FILE *table = fopen("/proc/self/mounts", "re");
    CLEANUP_FREE char *text = NULL;
    struct line line;
    size_t room = 0;
    bool hit = false;

    while (table && !hit && next_line(table, &text, &room, &line)) {
        hit = strcmp(line.type, MOUNTS_TYPE) == 0 && strcmp(line.source, store) == 0;
        if (hit)
            strlcpy(mountpoint, line.directory, size);
    }
    if (table)
        fclose(table);
    return hit;
}

bool mounts_at(const char *path)
{
    FILE *table = fopen("/proc/self/mounts", "re");
    CLEANUP_FREE char *text = NULL;
    struct line line;
    size_t room = 0;
    bool hit = false;

    // Of several mounts on a directory the last one is seen.
    while (table && next_line(table, &text, &room, &line)) {
        if (strcmp(line.directory, path) == 0)
            hit = strcmp(line.type, MOUNTS_TYPE) == 0;
    }
    if (table)
        fclose(table);
    return hit;
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
