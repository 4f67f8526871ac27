// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/attr_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIRST_OF_THE_CLOCK = 1500000000, MOST_NAMES = 64, LONGEST_NAME = 256 };

static void time_text(const char *name, struct timespec time, char *text, size_t size)
{
    size_t length = strlen(text);

    if (time.tv_sec >= FIRST_OF_THE_CLOCK)
        snprintf(text + length, size - length, " %s now", name);
    else
        snprintf(text + length, size - length, " %s %lld.%09ld", name, (long long)time.tv_sec,
                 time.tv_nsec);
}

static enum fuzz_limit atime_limit(mode_t mode)
{
    if (S_ISDIR(mode) || S_ISLNK(mode))
        return LIMIT_LISTING_ATIME;
    return S_ISFIFO(mode) ? LIMIT_TIMES_OF_FIFOS : LIMIT_ATIME;
}

static bool mtime_is_limited(const struct fuzz_place *place, mode_t mode)
{
    if (S_ISREG(mode))
        return fuzz_limited(place, LIMIT_MTIME_OF_STORES) ||
               fuzz_limited(place, LIMIT_MTIME_OF_TRUNCATED);
    return S_ISFIFO(mode) && fuzz_limited(place, LIMIT_TIMES_OF_FIFOS);
}

void attr_text(const struct fuzz_place *place, const struct stat *attr, char *text, size_t size)
{
    mode_t mode = attr->st_mode;

    if (S_ISREG(mode) && fuzz_limited(place, LIMIT_USER_KILLPRIV))
        mode &= ~(mode_t)(S_ISUID | S_ISGID);
    snprintf(text, size, "mode %o links %ju uid %u gid %u", mode, (uintmax_t)attr->st_nlink,
             attr->st_uid, attr->st_gid);
    if (!S_ISDIR(mode))
        snprintf(text + strlen(text), size - strlen(text), " size %lld", (long long)attr->st_size);
    if (!mtime_is_limited(place, mode))
        time_text("mtime", attr->st_mtim, text, size);
    if (!fuzz_limited(place, atime_limit(mode)))
        time_text("atime", attr->st_atim, text, size);
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(one, other);
}

size_t sort_xattr_names(char *names, size_t count)
{
    char sorted[MOST_NAMES][LONGEST_NAME];
    size_t found = 0, length = 0;

    for (size_t i = 0; i < count && found < MOST_NAMES; i += strlen(names + i) + 1)
        if (strncmp(names + i, "user.shmapfs.", 13) != 0)
            snprintf(sorted[found++], LONGEST_NAME, "%s", names + i);
    qsort(sorted, found, LONGEST_NAME, compare_names);
    for (size_t i = 0; i < found; i++) {
        size_t bytes = strlen(sorted[i]) + 1;
        memcpy(names + length, sorted[i], bytes);
        length += bytes;
    }
    return length;
}
