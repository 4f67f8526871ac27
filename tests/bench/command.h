// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <stddef.h>

#include "side.h"

// Somebody else's program, which is run to its end.
struct command {
    const char *const *argv;
    const char *directory;          // where it runs; NULL: here
    const char *const *environment; // NULL: ours
    char *answer;                   // takes the first line of what it prints; NULL: nobody asks
    size_t answer_size;
};

// Runs it. When it does not end well, or not in time, the first line of what it says on stderr is
// the reason. Returns 0 or a negative errno.
int command_run(const struct command *command, char reason[REASON_SIZE]);

#endif
