// SPDX-License-Identifier: BSD-2-Clause
/* From a sequence that shows a difference to a short one that does, too. */
#ifndef SHMAPFS_TESTS_FUZZ_SHRINK_H
#define SHMAPFS_TESTS_FUZZ_SHRINK_H

#include "tests/mount/fuzz/round.h"

/* Leaves out of the round, which has shown a difference, what is not needed for that. Returns
 * whether it shows one again at all. */
bool fuzz_shrink(struct fuzz_round *round);

#endif
