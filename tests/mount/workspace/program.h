// SPDX-License-Identifier: BSD-2-Clause
/* Programs that a case runs to their end, and what it expects of them. */
#ifndef SHMAPFS_TESTS_PROGRAM_H
#define SHMAPFS_TESTS_PROGRAM_H

#include "tests/mount/harness/harness.h"

struct program_result {
    int status; // its exit status, or 128 + signal
    char out[16384];
    char err[16384];
};

/* Runs a program to its end, for WAIT_SECONDS at most. The words end with NULL; a first word
 * without a slash is looked for in PATH. */
struct program_result run_program(const char *program, ...) __attribute__((sentinel));
struct program_result run_program_words(char *const words[]);

/* Returns memory for what programs write to their standard output or error. Of several processes
 * none writes over what another has written. */
int output_memory(const char *name);

/* The programs under test: $SHMAPFS and $SHMAPCTL. */
const char *shmapfs(void);
const char *shmapctl(void);

/* Asserts a refusal as every program of ours makes it: nothing on standard output, one line on
 * standard error that begins with the program's name and has these words (up to NULL; case does not
 * matter), and the status. */
void assert_refused(const struct program_result *result, int status, ...) __attribute__((sentinel));

/* Asserts status 0 and silence on standard error. */
void assert_done(const struct program_result *result);

#endif
