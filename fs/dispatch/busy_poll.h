// SPDX-License-Identifier: BSD-2-Clause
/*
 * Whether it pays to look for the next request for a moment instead of sleeping at once.
 *
 * On an idle machine it does: the client need not wake the thread. Where another program uses the
 * other processors it does not: client and thread take turns on one processor, and who looks keeps
 * the other from running. What a machine is like at the moment cannot be seen from here, but it can
 * be tried: now and then some requests are received the other way, and what was quicker stays.
 */
#ifndef SHMAPFS_SPIN_H
#define SHMAPFS_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* All zero before, but for `pays`: what to begin with. */
struct spin {
    bool pays;
    bool trying;       // the other way
    unsigned requests; // of this round
    unsigned rounds;
    uint64_t begin; // of this round
    uint64_t usual; // how long the last round took that was not a try
};

static inline bool spin_wanted(const struct spin *spin)
{
    return spin->pays != spin->trying;
}

/* Another request has come; `idle` says that nobody was in a hurry before it. Returns whether a round
 * begins with it: spin_round() wants to know when. To read the clock for each would cost too much. */
bool spin_count(struct spin *spin, bool idle);
void spin_round(struct spin *spin, uint64_t now);

#endif
