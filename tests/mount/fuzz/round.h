// SPDX-License-Identifier: BSD-2-Clause
/* A round: a sequence of operations in two worlds, a directory of the mount and one of a filesystem
 * that it is held to. In each world the same clients take the same turns. */
#ifndef SHMAPFS_TESTS_FUZZ_ROUND_H
#define SHMAPFS_TESTS_FUZZ_ROUND_H

#include "tests/mount/fuzz/client.h"
#include "tests/mount/fuzz/disturber.h"

#include <limits.h>
#include <stdio.h>

enum fuzz_side { FUZZ_MOUNT, FUZZ_REFERENCE, FUZZ_SIDES };

struct fuzz_world {
    const char *parents[FUZZ_SIDES]; // where rounds have their directories
    struct fuzz_place place;
};

enum fuzz_verdict { FUZZ_SAME, FUZZ_DIFFERENT, FUZZ_BROKEN };

struct fuzz_round {
    struct fuzz_world world;
    struct fuzz_op ops[FUZZ_OPS];
    unsigned count;
    struct disturber *disturber; // or NULL
    struct fuzz_seat *seats;     // in memory that clients share, and so are results
    struct fuzz_result *results[FUZZ_SIDES];
    unsigned made; // operations; when there is a difference, the last of them shows it
    bool keep;     // the directories stay where there is no difference
    char directories[FUZZ_SIDES][PATH_MAX];
    char *trees[FUZZ_SIDES]; // of them; or NULL
};

/* Returns NULL when there is no memory. */
struct fuzz_round *fuzz_round_new(void);

/* Carries it out in new directories, and removes them when there was no difference. */
enum fuzz_verdict fuzz_round_run(struct fuzz_round *round);

/* Compares another directory with the reference, after a round that was kept. */
enum fuzz_verdict fuzz_round_compare(struct fuzz_round *round, const char *directory);

/* How many of the operations gave no error. */
unsigned fuzz_round_succeeded(const struct fuzz_round *round);

/* Says what differed, after the last `history` operations. */
void fuzz_round_report(const struct fuzz_round *round, unsigned history, FILE *out);

#endif
