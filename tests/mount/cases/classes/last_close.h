// SPDX-License-Identifier: BSD-2-Clause
/* Files that go with their last user, and the ways to use one. */
#ifndef SHMAPFS_TESTS_LAST_CLOSE_H
#define SHMAPFS_TESTS_LAST_CLOSE_H

#include "tests/mount/workspace/workspace.h"

#define LIFETIME  "user.shmapfs.lifetime"
#define USED_FILE "mnt/file" // in a directory with the lifetime last-close

enum { FILE_PAGES = 2 };

/* Waits until nothing has the name. */
void assert_goes(const char *path);

/* Asserts that a name stays. A file in mnt that was made later and that nobody uses is gone:
 * whoever would have removed this one by mistake has had the time. */
void assert_stays(const char *path);

/* Sets the attribute and asserts the errno, 0 for none; asserts what it is. */
void assert_set_lifetime(const char *path, const char *value, int error);
void assert_lifetime(const char *path, const char *value);

/* Opens the file, which is made if need be. Returns a descriptor or -1. */
int open_used_file(void);

/* A way to use the file. It is called in a process of its own, which is done with it at its end:
 * with exit(3) or SIGKILL. Returns whether the file is in use. */
struct way_to_use {
    const char *name;
    bool (*begin)(void);
    bool (*can)(const struct workspace *workspace); // NULL: everywhere
};
extern const struct way_to_use WAYS_TO_USE[];
extern const size_t WAYS_COUNT;

#endif
