// SPDX-License-Identifier: BSD-2-Clause
/* The users that root becomes, and what each of them tries. */
#ifndef SHMAPFS_TESTS_USERS_H
#define SHMAPFS_TESTS_USERS_H

#include "tests/mount/harness/harness.h"

#include <sys/stat.h>

enum { ALICE = 1000, BOB = 1001, CAROL = 1002, TEAM = 2000, STAFF = 2001 };

/* Something that a user does; the argument is a path, the result 0 or an errno. */
typedef int user_action(void *path);

/* Does it as that user, in the group of the same number, and in one more. */
int as(uid_t uid, user_action *action, const char *path);
int as_member(uid_t uid, gid_t group, user_action *action, const char *path);

user_action read_file, write_file, create_file, make_directory;

/* Results for actions: of a system call, and of an open with these flags. */
int result_of(int result);
int open_with(const char *path, int flags);

/* Made by root for somebody. A file holds "contents". */
void prepare_file(const char *path, uid_t uid, gid_t gid, mode_t mode);
void prepare_directory(const char *path, uid_t uid, gid_t gid, mode_t mode);

#endif
