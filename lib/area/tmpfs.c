// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/tmpfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

/* A small area is as good as any for files without contents. */
#define INODES_LEAST 1024

void tmpfs_refuse(struct tmpfs_refused *refused, const char *word)
{
    strlcpy(refused->word, word, sizeof(refused->word));
}

int tmpfs_set(int fs, const char *key, const char *value)
{
    return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) == 0 ? 0 : -errno;
}

int tmpfs_set_number(int fs, const char *key, const char *format, unsigned long long value)
{
    char text[32];

    snprintf(text, sizeof(text), format, value);
    return tmpfs_set(fs, key, text);
}

static int set_word(int fs, char *word)
{
    char *value = strchr(word, '=');

    if (!value)
        return fsconfig(fs, FSCONFIG_SET_FLAG, word, NULL, 0) == 0 ? 0 : -errno;
    *value++ = '\0';
    return tmpfs_set(fs, word, value);
}

int tmpfs_set_words(int fs, const char *words, struct tmpfs_refused *refused)
{
    CLEANUP_FREE char *copy = words ? strdup(words) : NULL;
    char *rest = copy;
    char *word;
    int error = words && !copy ? -ENOMEM : 0;

    while (!error && (word = strsep(&rest, "\n"))) {
        error = *word ? set_word(fs, word) : 0;
        tmpfs_refuse(refused, word);
    }
    return error;
}

uint64_t tmpfs_default_inodes(uint64_t size)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t most = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2;
    uint64_t inodes = size / page;

    if (inodes > most)
        inodes = most;
    return inodes > INODES_LEAST ? inodes : INODES_LEAST;
}
