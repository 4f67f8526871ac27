// SPDX-License-Identifier: BSD-2-Clause
#include "mounts.h"

#include <mntent.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

/* Two paths and the options of a mount, each escaped, fit into a line of this length. */
#define LINE_MAX_BYTES (16 * 4096)

/* The directory of the first shmapfs whose source or directory is the one given; NULL does not compare. */
static bool find(const char *source, const char *directory, char *found, size_t size)
{
    FILE *table = setmntent("/proc/self/mounts", "re");
    CLEANUP_FREE char *line = malloc(LINE_MAX_BYTES);
    struct mntent entry;
    bool hit = false;

    while (table && line && !hit && getmntent_r(table, &entry, line, LINE_MAX_BYTES)) {
        hit = strcmp(entry.mnt_type, MOUNTS_TYPE) == 0 && (!source || strcmp(entry.mnt_fsname, source) == 0) &&
              (!directory || strcmp(entry.mnt_dir, directory) == 0);
        if (hit && found)
            strlcpy(found, entry.mnt_dir, size);
    }
    if (table)
        endmntent(table);
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
