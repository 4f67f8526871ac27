// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/directories/entries.h"

#include "tests/mount/harness/coprocess.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

void make_entry(int number)
{
    char name[32];
    snprintf(name, sizeof(name), "entry-%06d", number);
    assert_ok(mknod(name, S_IFREG | 0644, 0));
}

void make_entries(int count)
{
    for (int i = 0; i < count; i++)
        make_entry(i);
}

int entry_number(const char *name)
{
    int number = -1;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
        assert_int_equal(sscanf(name, "entry-%d", &number), 1);
    return number;
}

DIR *open_directory(const char *path)
{
    DIR *directory = opendir(path);
    assert_non_null(directory);
    return directory;
}

void count_entries(DIR *directory, unsigned char *counts)
{
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(directory)) != NULL)
        counts[entry_number(entry->d_name) + 1]++;
    assert_int_equal(errno, 0);
}

void assert_each_once(DIR *directory, int count)
{
    unsigned char *counts = calloc((size_t)count + 1, 1);
    assert_non_null(counts);
    count_entries(directory, counts);
    assert_int_equal(counts[0], 2);
    for (int i = 0; i < count; i++)
        if (counts[i + 1] != 1)
            fail_msg("entry %d of %d was seen %d times", i, count, counts[i + 1]);
    free(counts);
}

unsigned listed_entries(const char *path)
{
    unsigned found[2] = { 0, 0 };
    for (int round = 0; round < 2; round++) {
        struct dirent *entry;
        DIR *directory = open_directory(path);
        while ((entry = readdir(directory)) != NULL) {
            int number = entry_number(entry->d_name);
            if (number >= 0)
                found[round] |= 1U << number;
        }
        assert_ok(closedir(directory));
    }
    assert_int_equal(found[0], found[1]);
    return found[0];
}
