// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/shrink.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long it may take, and how often a difference that needs a disturbance is looked for. */
enum { MOST_SECONDS = 60, MOST_TRIES = 20 };

static bool shows_difference(struct fuzz_round *round)
{
    unsigned tries = round->disturber == NULL ? 1 : MOST_TRIES;
    enum fuzz_verdict verdict = FUZZ_SAME;

    while (verdict == FUZZ_SAME && tries-- > 0)
        verdict = fuzz_round_run(round);
    return verdict == FUZZ_DIFFERENT;
}

/* Tries it without `count` operations from `first` on. */
static bool leave_out(struct fuzz_round *round, unsigned first, unsigned count)
{
    unsigned before = round->count;
    struct fuzz_op *ops = malloc(sizeof(round->ops));

    if (ops == NULL)
        return false;
    memcpy(ops, round->ops, sizeof(round->ops));
    memmove(round->ops + first, round->ops + first + count,
            (round->count - first - count) * sizeof(*round->ops));
    round->count -= count;
    bool shown = shows_difference(round);
    if (shown) {
        // The operations after the difference are not needed.
        round->count = round->made;
    } else {
        memcpy(round->ops, ops, sizeof(round->ops));
        round->count = before;
    }
    free(ops);
    return shown;
}

bool fuzz_shrink(struct fuzz_round *round)
{
    struct disturber *disturber = round->disturber;
    time_t limit = time(NULL) + MOST_SECONDS;

    // Most do not need one, and are quicker to find without.
    round->count = round->made;
    round->disturber = NULL;
    if (!shows_difference(round)) {
        round->disturber = disturber;
        if (disturber == NULL || !shows_difference(round))
            return false;
    }
    round->count = round->made;
    for (unsigned part = round->count / 2; part > 0; part /= 2)
        for (unsigned first = 0; first + part <= round->count && time(NULL) < limit;)
            if (!leave_out(round, first, part))
                first += part;
    return shows_difference(round);
}
