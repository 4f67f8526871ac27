// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ENTRIES = 256 };

static int compare_entries(const void *one, const void *other)
{
    return strcmp(one, other);
}

int list_directory(DIR *directory, char *text, size_t size)
{
    char entries[MOST_ENTRIES][64];
    const struct dirent *entry;
    int count = 0;

    if (directory == NULL)
        return -1;
    errno = 0;
    while (count < MOST_ENTRIES && (entry = readdir(directory)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            snprintf(entries[count++], sizeof(entries[0]), " %.40s:%d", entry->d_name,
                     entry->d_type);
    int error = errno;
    closedir(directory);
    qsort(entries, (size_t)count, sizeof(entries[0]), compare_entries);
    for (int i = 0; i < count; i++)
        strncat(text, entries[i], size - strlen(text) - 1);
    errno = error;
    return error == 0 ? count : -1;
}
