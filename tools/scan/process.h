// SPDX-License-Identifier: BSD-2-Clause
/* A process as /proc shows it. `dir` is a descriptor of its directory there, which stays with that
 * process when its number is used again. A process that has ended meanwhile has nothing to show. */
#ifndef SHMAPCTL_PROCESS_H
#define SHMAPCTL_PROCESS_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/* Opens the directory of the process with that number; -1: there is none. */
int process_open(pid_t pid);

/* Opens one of its files, or one of its directories, for reading; NULL: it cannot be opened. */
FILE *process_file(int dir, const char *name);
DIR *process_entries(int dir, const char *name);

/* Returns the name of what it executes, whole where the kernel has cut it off. For free(). */
char *process_command(int dir);

/* Returns its command line with spaces between the words; empty: it cannot be read. For free(). */
char *process_command_line(int dir);

/* Returns the name of a user, or the number where no such user is known here. For free(). */
char *process_user_name(uid_t uid);

struct process_info {
    pid_t parent;
    uid_t uid;       // the effective one
    bool has_memory; // otherwise it has ended, or is one of the kernel's threads
};
struct process_info process_read_info(int dir);

#endif
