// SPDX-License-Identifier: BSD-2-Clause
/* A mount of the user `nobody`, and what he finds in it. No other user can look into it, root
 * neither. */
#ifndef SHMAPFS_TESTS_BROKERED_MOUNT_H
#define SHMAPFS_TESTS_BROKERED_MOUNT_H

#include "tests/mount/harness/sandbox.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/workspace/workspace.h"

// Another user whom every system knows by a name, without which fusermount3 does nothing.
enum { SOMEBODY = 1 };

/* Executes a program as a user, in the group of the same number, and waits for its end. The words
 * end with NULL. */
struct program_result run_as(uid_t uid, const char *program, ...) __attribute__((sentinel));

/* Asserts that a program that mounts has succeeded. It may say that the broker was late, as one is on
 * a busy machine. */
void assert_mounted(const struct program_result *result);

/* Mounts the workspace as NOBODY, with these options. */
void mount_as_nobody(const struct workspace *workspace, bool with_store, const char *options);
void unmount_as_nobody(const struct workspace *workspace);

/* Returns whether the status of the mount says that the broker passes the RAM area through. */
bool is_brokered(const struct workspace *workspace);

/* Asserts that the status has these words. */
void assert_says(const struct workspace *workspace, const char *words);

/* For a user: makes a file, and finds that two mappings, reads and writes see the same. */
user_action use_file;

/* For a user: 1: an open file is passed through; 0: it is not; otherwise 100 and an errno. It is made
 * if it is not there. */
user_action ask_path;

/* Returns whether a file of his is passed through. */
bool is_passed_through(void *path);

/* Asserts that it is. A broker that was late for an answer is left alone for some seconds. */
void assert_passed_through(const char *path);

/* Has him use so many files of the mount, whose names begin with a word. */
void use_files(const char *word, int count);

/* The processes of the mount, and how often one was replaced. */
struct served {
    int worker, keeper, restarts;
};
struct served served_by(const struct workspace *workspace);

#endif
