// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/busy_poll.h"

#define ROUND     512 // requests
#define TRY_EVERY 8   // rounds

static void end_round(struct spin *spin, uint64_t time)
{
    if (!spin->trying) {
        spin->usual = time;
        spin->trying = ++spin->rounds % TRY_EVERY == 0;
        return;
    }
    // Unless there is a difference, things stay as they are.
    if (time < spin->usual - spin->usual / 8)
        spin->pays = !spin->pays;
    spin->trying = false;
}

bool spin_count(struct spin *spin, bool idle)
{
    return spin->requests == 0 || idle || ++spin->requests > ROUND;
}

void spin_round(struct spin *spin, uint64_t now)
{
    if (spin->requests > ROUND)
        end_round(spin, now - spin->begin);
    spin->requests = 1;
    spin->begin = now;
}
