// SPDX-License-Identifier: BSD-2-Clause
/* Directories whose entries have numbers, so that each can be counted. */
#ifndef SHMAPFS_TESTS_ENTRIES_H
#define SHMAPFS_TESTS_ENTRIES_H

#include <dirent.h>
#include <stdint.h>

enum { FEW = 1000 };

/* The entry that getdents64(2) gives. */
struct raw_entry {
    uint64_t ino;
    int64_t offset; // of the entry after this one
    uint16_t length;
    uint8_t type;
    char name[];
};

/* Makes one entry; makes those from 0 on. */
void make_entry(int number);
void make_entries(int count);

/* The number in the name, or -1 for '.' and '..'; any other name fails the case. */
int entry_number(const char *name);

DIR *open_directory(const char *path);

/* Counts what is still to come, by number; counts[0] is for both dots. */
void count_entries(DIR *directory, unsigned char *counts);

/* Asserts that the entries from 0 on are still to come, each once. */
void assert_each_once(DIR *directory, int count);

/* Lists a directory twice, the second time perhaps in another way, and returns bit N for the entry
 * of number N. */
unsigned listed_entries(const char *path);

#endif
