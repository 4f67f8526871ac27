// SPDX-License-Identifier: BSD-2-Clause
/* How far a command has come: a line on a terminal that changes, and nothing elsewhere. */
#ifndef SHMAPCTL_PROGRESS_H
#define SHMAPCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { PROGRESS_PERIOD = 200 }; // milliseconds

struct progress {
    bool shown; // standard error is a terminal
    uint64_t total;
    int64_t next; // when it is to be shown again, in milliseconds
};

void progress_begin(struct progress *progress, uint64_t total);

/* Shows how many bytes are done, if it was not shown just now. */
void progress_show(struct progress *progress, const char *what, uint64_t done);

/* Takes the line away. */
void progress_end(const struct progress *progress);

#endif
