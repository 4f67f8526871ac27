// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <stddef.h>

#include "work.h"

// Somebody else's program, run to its end in an environment that is the same for everybody: no
// settings of the user's or the machine's, the home directory in the scratch directory.

// Runs it in the directory. When it does not end well, its first words on stderr are the reason.
// Returns 0 or a negative errno.
int program_run(struct subject *subject, const char *directory, const char *const argv[]);

// The same, and gives the seconds that it took.
int program_time(struct subject *subject, const char *directory, const char *const argv[],
                 double *seconds);

// The same, and gives the first line of what it prints.
int program_ask(struct subject *subject, const char *directory, const char *const argv[],
                char *answer, size_t size);

#endif
