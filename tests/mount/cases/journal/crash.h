// SPDX-License-Identifier: BSD-2-Clause
/* Mounts of a workspace whose directory `mnt/dir` has a class with commits, and their crashes. */
#ifndef SHMAPFS_TESTS_CRASH_H
#define SHMAPFS_TESTS_CRASH_H

#include "tests/mount/workspace/workspace.h"

/* Mounts the store with `mnt/dir` of the class; `more` are further options, or "". */
void mount_class(const struct workspace *workspace, const char *class, const char *more);

/* Kills all processes of the mount at one moment, and takes away what is left of it. */
void crash_mount(const struct workspace *workspace);

/* Kills the process that serves, and returns when another one does. */
void replace_worker(const struct workspace *workspace);

/* Waits until nothing is written that is not committed, or nothing committed that is not in the
 * store's files. */
void await_committed(struct workspace *workspace);
void await_applied(struct workspace *workspace);

/* Has the pages of a mapping written to the daemon, which commits nothing. */
void push_pages(int fd);

/* Sets an attribute of shmapfs'. Returns what setxattr(2) returns. */
int set_control(const char *path, const char *name, const char *value);

#endif
