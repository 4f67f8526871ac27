// SPDX-License-Identifier: BSD-2-Clause
/* A mount under load whose workers die, or are replaced, all the time: what its clients notice of
 * it. */
#ifndef SHMAPFS_TESTS_SURVIVE_H
#define SHMAPFS_TESTS_SURVIVE_H

#include "tests/mount/load/load.h"
#include "tests/mount/survive/mount_status.h"

#include <stdio.h>

enum survive_way {
    SURVIVE_KILLS,    // SIGKILL at random moments
    SURVIVE_FAULTS,   // the daemon's workers die by themselves, as $SHMAPFS_FAULT told it
    SURVIVE_UPGRADES, // shmapctl upgrade
};

struct survive_plan {
    const char *mountpoint;
    const char *directory; // in the mount, where the load works
    bool persistent;       // the directory is in the store
    const struct load_kind *const *kinds;
    enum survive_way way;
    unsigned deaths;       // or upgrades
    unsigned calls;        // from one to the next at most; without any deaths, all calls
    const char *binary[2]; // for upgrades: to each in turn; NULL: the one that runs
    uint64_t seed;
};

struct survive_report {
    unsigned deaths;
    struct load_figures load;
    struct mount_holdings leaked; // more than before the first death, when nothing is used any more
    int64_t stall_median, stall_max; // as the daemon says, in µs
    int64_t reply_median, reply_max; // from the kill to the first answer of a new worker
};

/* Puts the mount under load and carries out the plan. Returns 0, or a negative errno, having said
 * why it could not be carried out. */
int survive(const struct survive_plan *plan, struct survive_report *report);

/* Returns whether nothing failed, differed or leaked. */
bool survive_well(const struct survive_report *report);

/* One line. */
void survive_print(const struct survive_report *report, FILE *out);

#endif
