// SPDX-License-Identifier: BSD-2-Clause
/*
 * A case's workspace: a directory of its own with an empty mount point and an empty store, for
 * cases that are about mounting and so mount by themselves.
 *
 *   test_NAME passthrough|cached|native root|user
 *
 * The cases run as the first process of mount and PID namespaces of their own (see sandbox.h), so
 * that a daemon becomes their child when the process that started it ends, and they can read its
 * exit status. All that a case leaves running and mounted is ended before the next; one that passes
 * leaves no mount. With `native`, cases about a disk look at the disk itself.
 */
#ifndef SHMAPFS_TESTS_WORKSPACE_H
#define SHMAPFS_TESTS_WORKSPACE_H

#include "tests/mount/harness/harness.h"
#include "tests/mount/workspace/program.h"

#include <limits.h>

struct workspace {
    bool nopassthrough;   // every mount gets this option
    bool passthrough;     // data passes through the kernel: asked for, and there
    bool native;          // nothing is mounted: workspace_mount() makes mnt another name of store
    bool root;            // otherwise the cases are `nobody`
    char *top;            // the temporary directory of all cases
    char *dir;            // the case's own below it, which is the working directory
    char mnt[PATH_MAX];   // the mount point, in dir
    char store[PATH_MAX]; // the store, in dir
};

int workspace_main(int argc, char **argv, const char *group, const struct CMUnitTest cases[],
                   size_t count);

#define WORKSPACE_MAIN(group, cases)                                                         \
    int main(int argc, char **argv)                                                          \
    {                                                                                        \
        return workspace_main(argc, argv, group, cases, sizeof(cases) / sizeof((cases)[0])); \
    }

/* The number of cases for this command line. The last of them, `of_root`, are for root alone. */
#define CASE_COUNT(argc, argv, cases, of_root) \
    (sizeof(cases) / sizeof((cases)[0]) -      \
     ((argc) == 3 && strcmp((argv)[2], "user") == 0 ? (of_root) : 0))

#define ROOT_LAST_MAIN(group, cases, of_root)                                                    \
    int main(int argc, char **argv)                                                              \
    {                                                                                            \
        return workspace_main(argc, argv, group, cases, CASE_COUNT(argc, argv, cases, of_root)); \
    }

static inline struct workspace *workspace_of(void **state)
{
    return *state;
}

/* Mounts workspace->mnt: with workspace->store, if wanted, and these options ("" for none). */
void workspace_mount(const struct workspace *workspace, bool with_store, const char *options);

/* Tries the same, for cases in which it fails. */
struct program_result workspace_try_mount(const struct workspace *workspace, bool with_store,
                                          const char *options);

/* Unmounts, waits for the daemon, and holds it to exit status 0. */
void workspace_unmount(const struct workspace *workspace);

/* Waits until no child is left, and returns the worst exit status; -ETIMEDOUT after
 * WAIT_SECONDS. */
int workspace_await_children(void);

bool workspace_is_mounted(const char *path);

/* Asserts that a refused mount left nothing: no mount, no process, no lock on the store, and
 * exactly this tree. */
void assert_nothing_left(const struct workspace *workspace, const char *tree);

/* All that is below the case's directory, one line each. For free(). */
char *workspace_tree(void);

/* Waits until the condition holds, for WAIT_SECONDS at most; returns whether it does. For what
 * happens when the daemon has heard of the last use of a file, which the kernel tells it after the
 * call that ended the use. Each look must be a round trip to the daemon. */
bool becomes_true(bool (*condition)(void *), void *argument);

/* A number of the mount's status, such as "pid" or "ram_area.used". */
int64_t read_status_number(const struct workspace *workspace, const char *member);

/* Waits until a number of the status is not larger, for a bounded time; returns whether it is. */
bool status_becomes(const struct workspace *workspace, const char *member, int64_t at_most);

/* The process that the mount lives as long as: its keeper, or the only one. */
pid_t daemon_of(const struct workspace *workspace);

/* Skips the case where the mount does not survive the death of its worker. */
void need_survival(const struct workspace *workspace);

#endif
