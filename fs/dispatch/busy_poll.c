// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/busy_poll.h"

#define ROUND     512 // requests
#define TRY_EVERY 8   // rounds

static void end_round(struct busy_poll *busy_poll, uint64_t time)
{
    if (!busy_poll->trying) {
        busy_poll->usual = time;
        busy_poll->trying = ++busy_poll->rounds % TRY_EVERY == 0;
        return;
    }
    // Without a clear difference everything stays as it is.
    if (time < busy_poll->usual - busy_poll->usual / 8)
        busy_poll->pays = !busy_poll->pays;
    busy_poll->trying = false;
}

bool busy_poll_count(struct busy_poll *busy_poll, bool idle)
{
    return busy_poll->requests == 0 || idle || ++busy_poll->requests > ROUND;
}

void busy_poll_round(struct busy_poll *busy_poll, uint64_t now)
{
    if (busy_poll->requests > ROUND)
        end_round(busy_poll, now - busy_poll->begin);
    busy_poll->requests = 1;
    busy_poll->begin = now;
}
