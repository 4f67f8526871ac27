// SPDX-License-Identifier: BSD-2-Clause
/* Round after round on one mount, and at last what is left of it. */
#ifndef SHMAPFS_TESTS_FUZZ_CAMPAIGN_H
#define SHMAPFS_TESTS_FUZZ_CAMPAIGN_H

#include "tests/mount/fuzz/round.h"

#include <time.h>

enum fuzz_area { FUZZ_ANON, FUZZ_PERSIST, FUZZ_AREAS };

struct fuzz_campaign {
    const struct workspace *workspace; // mounted
    const char *parents[FUZZ_AREAS][FUZZ_SIDES];
    time_t seconds;              // 0: one round
    bool cached[FUZZ_AREAS];     // the data does not pass through the kernel
    uint64_t seed;               // of the first round; the next one has the next number
    struct disturber *disturber; // or NULL
};

/* Makes rounds until the time is over or there is a difference, says what came of them, and
 * unmounts. Returns the program's exit status. */
int fuzz_campaign_run(const struct fuzz_campaign *campaign);

#endif
