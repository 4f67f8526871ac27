// SPDX-License-Identifier: BSD-2-Clause
/* Files, as nearly every case uses them. Each function fails the case when it cannot do its
 * work. */
#ifndef SHMAPFS_TESTS_FILES_H
#define SHMAPFS_TESTS_FILES_H

#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <sys/stat.h>
#include <time.h>

void put_file(const char *path, const char *content); // made new, or replaced
void assert_content(const char *path, const char *content);

bool exists(const char *path); // as lstat sees it

/* The first returns whether a file can have user.* attributes (in RAM, since Linux 6.6); the second
 * skips the case where it cannot. */
bool has_user_attributes(const char *path);
void need_user_attributes(const char *path);

struct stat stat_of(const char *path);
struct stat lstat_of(const char *path);
struct stat fstat_of(int fd);

/* Negative, 0 or positive, as a is before, equal to or after b. */
int compare_times(struct timespec a, struct timespec b);

/* Returns when the coarse clock that timestamps come from has passed this moment: what is changed
 * now has a later time than everything that was changed before. It takes a tick of the kernel or
 * two, some 10 ms. */
void next_tick(void);

#endif
