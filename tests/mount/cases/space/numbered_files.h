// SPDX-License-Identifier: BSD-2-Clause
/* Many files, each with a number. */
#ifndef SHMAPFS_TESTS_NUMBERED_FILES_H
#define SHMAPFS_TESTS_NUMBERED_FILES_H

#include "tests/mount/workspace/workspace.h"

/* The path of the file of this number, each of which contains its number. */
const char *numbered(int number, char path[64]);

/* Makes, reads and looks at the files from 0 on. */
void make_files(int count);
void read_files(int count);
void stat_files(int count);

#endif
