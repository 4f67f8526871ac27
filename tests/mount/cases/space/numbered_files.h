// SPDX-License-Identifier: BSD-2-Clause
/* Many files, and what the status of a mount comes to say about them. */
#ifndef SHMAPFS_TESTS_NUMBERED_FILES_H
#define SHMAPFS_TESTS_NUMBERED_FILES_H

#include "tests/mount/workspace/workspace.h"

/* The path of the file of this number, each of which contains its number. */
const char *numbered(int number, char path[64]);

/* Makes, reads and looks at the files from 0 on. */
void make_files(int count);
void read_files(int count);
void stat_files(int count);

/* Waits until a number of the status is not larger, for a bounded time; returns whether it is. */
bool status_becomes(const struct workspace *workspace, const char *member, int64_t at_most);

#endif
