// SPDX-License-Identifier: BSD-2-Clause
/* `shmapctl run` as the cases about it use it: to its end, or while the case goes on. */
#ifndef SHMAPFS_TESTS_SHMAPCTL_RUN_H
#define SHMAPFS_TESTS_SHMAPCTL_RUN_H

#include "tests/mount/cases/commands/command_role.h"
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/workspace/workspace.h"

/* The exit statuses of `run` for a command that could not be run. */
enum { NOT_STARTED = 125, NOT_EXECUTABLE = 126, NOT_FOUND = 127 };

/* The case's workspace; skips the case where a user's run needs what the administrator forbids. */
struct workspace *begin_run(void **state);

/* The path of this program; for free(). */
char *own_path(void);

/* Runs a shell script, with a store unless that is NULL; and a role of this program, with some more
 * mount options. */
struct program_result run_script(const struct workspace *workspace, const char *store,
                                 const char *script);
struct program_result run_role(const struct workspace *workspace, const char *more,
                               const char *role);

/* Asserts the status, silence on standard error, and what is on standard output. */
void assert_ended(const struct program_result *result, int status, const char *out);

/* A run that goes on while the case does. */
struct background_run {
    pid_t pid;
    int in, out, err; // the last is a file
};

/* Starts a program, the first of the words, up to a NULL. */
struct background_run start_words(const char *const words[]);

struct background_run start_script(const struct workspace *workspace, bool with_store,
                                   const char *script);

/* Starts a role that says "ready", and returns when it has. */
struct background_run start_role(const char *role);

/* The next line of what somebody writes, or "" at the end. */
void read_line(int fd, char *line, size_t size);
void assert_line(const struct background_run *background, const char *expected);

/* The command's process id, which it says first: echo $$ */
pid_t read_pid(const struct background_run *background);

/* Returns whether no process has that number (for becomes_true()). */
bool is_gone(void *pid);

void say(const struct background_run *background, const char *line);
void end_input(struct background_run *background);

/* Waits, and returns the status of the run and what it wrote to standard error. The command's input
 * ends only afterwards. */
int end_run(struct background_run *background, char *err, size_t size);

/* The same, with that status and silence. */
void assert_run_ends(struct background_run *background, int status);

/* The same, with these words on standard error. */
void assert_run_ends_with(struct background_run *background, int status, const char *words);

/* Waits until it has written these words to standard error. */
void await_complaint(const struct background_run *background, const char *words);

/* A number of the status of a mount, which others may see at another path than the command. */
int64_t status_number(const char *mountpoint, const char *member);

/* The last of the cases, that many, take root. */
#define RUN_MAIN(group, cases, of_root)                                                          \
    int main(int argc, char **argv)                                                              \
    {                                                                                            \
        if (argc == 3 && strcmp(argv[1], COMMAND_ROLE) == 0)                                     \
            return play_command_role(argv[2]);                                                   \
        return workspace_main(argc, argv, group, cases, CASE_COUNT(argc, argv, cases, of_root)); \
    }

#endif
