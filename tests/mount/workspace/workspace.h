// SPDX-License-Identifier: BSD-2-Clause
/*
 * Cases that are about mounting itself, and so make their mounts by themselves.
 *
 *   test_NAME passthrough|cached|native root|user
 *
 * The cases run as the first process of mount and PID namespaces of their own (see sandbox.h), so that a daemon becomes
 * their child when the process that started it ends, and its exit status can be had. What a failed case leaves
 * running and mounted is ended before the next. With `native`, cases about a disk look at the disk itself.
 */
#ifndef SHMAPFS_TESTS_SCENE_H
#define SHMAPFS_TESTS_SCENE_H

#include "tests/mount/harness/harness.h"

#include <limits.h>

struct scene {
    bool passthrough;     // otherwise every mount gets nopassthrough
    bool native;          // nothing is mounted: scene_mount() makes mnt another name of store
    bool root;            // otherwise the cases are `nobody`
    char *top;            // the temporary directory of all cases
    char *dir;            // the case's own, which is the working directory
    char mnt[PATH_MAX];   // an empty directory in it
    char store[PATH_MAX]; // another one
};

/* What a program did. */
struct outcome {
    int status; // its exit status, or 128 + signal
    char out[16384];
    char err[16384];
};

int scene_main(int argc, char **argv, const char *group, const struct CMUnitTest cases[],
               size_t count);

#define SCENE_MAIN(group, cases)                                                         \
    int main(int argc, char **argv)                                                      \
    {                                                                                    \
        return scene_main(argc, argv, group, cases, sizeof(cases) / sizeof((cases)[0])); \
    }

static inline struct scene *scene_of(void **state)
{
    return *state;
}

/* Runs a program to its end, at most a minute. The words end with NULL; a first word without a slash is looked for in PATH. */
struct outcome run(const char *program, ...) __attribute__((sentinel));
struct outcome run_words(char *const words[]);

/* The programs under test: $SHMAPFS and $SHMAPCTL. */
const char *shmapfs(void);
const char *shmapctl(void);

/* Mounts scene->mnt: with scene->store, if wanted, and these options ("" for none). */
void scene_mount(const struct scene *scene, bool with_store, const char *options);

/* What is tried with the same words, for cases in which it fails. */
struct outcome scene_try_mount(const struct scene *scene, bool with_store, const char *options);

/* Unmounts, waits for the daemon, and holds it to exit status 0. */
void scene_unmount(const struct scene *scene);

/* Waits until no child is left, and returns the worst exit status; -ETIMEDOUT after a minute. */
int scene_await_children(void);

bool scene_is_mounted(const char *path);

/* That a refused mount left nothing: no mount, no process, no lock on the store, and exactly this tree. */
void assert_nothing_left(const struct scene *scene, const char *tree);

/* All that is below the case's directory, one line each. For free(). */
char *scene_tree(void);

/* Asserts a refusal as every program of ours makes it: nothing on standard output, one line on standard error that begins
 * with the program's name and has these words (up to NULL; case does not matter), and the status. */
void assert_refused(const struct outcome *outcome, int status, ...) __attribute__((sentinel));

/* Asserts status 0 and silence on standard error. */
void assert_done(const struct outcome *outcome);

/* Whether a condition holds by and by, at the latest after ten seconds: for what happens when the daemon has heard of
 * the last use of a file, which the kernel tells it after the call that ended the use. Each look must be a
 * round trip to the daemon. */
bool comes_true(bool (*condition)(void *), void *argument);

/* A number of the mount's status, such as "pid" or "ram_area.used". */
int64_t scene_status(const struct scene *scene, const char *member);

#endif
