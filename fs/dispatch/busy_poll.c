// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/busy_poll.h"

#define ROUND     512 // requests
#define TRY_EVERY 8   // rounds
#define DOUBT_MAX 4   // doublings of that

/* A look in vain takes as much as so many others save; with this much debt a thread does not look
 * any more for so many requests, and twice as many each time that the next look is in vain, too. */
#define VAIN      4
#define DEBT_MAX  8
#define REST      64 // requests
#define TIRED_MAX 6

void busy_poll_looked(struct busy_poll *busy_poll, bool in_vain)
{
    if (!in_vain) {
        busy_poll->debt -= busy_poll->debt > 0;
        if (busy_poll->debt == 0)
            busy_poll->tired = 0;
        return;
    }
    busy_poll->debt += VAIN;
    if (busy_poll->debt <= DEBT_MAX)
        return;
    busy_poll->debt = DEBT_MAX;
    busy_poll->rest = REST << busy_poll->tired;
    busy_poll->tired += busy_poll->tired < TIRED_MAX;
}

/* Returns whether a thread waited for a processor for more than a quarter of the time. */
static bool is_shared(uint64_t time, uint64_t used)
{
    return used < time - time / 4;
}

static void end_round(struct busy_poll *busy_poll, uint64_t time, uint64_t used)
{
    bool looked = busy_poll_wanted(busy_poll);

    if (looked && is_shared(time, used)) {
        busy_poll->pays = false;
        busy_poll->trying = false;
        busy_poll->doubt += busy_poll->doubt < DOUBT_MAX;
        return;
    }
    if (looked)
        busy_poll->doubt = 0;
    if (!busy_poll->trying) {
        busy_poll->usual = time;
        busy_poll->trying = ++busy_poll->rounds % (TRY_EVERY << busy_poll->doubt) == 0;
        return;
    }
    // Without a clear difference everything stays as it is.
    if (time < busy_poll->usual - busy_poll->usual / 8)
        busy_poll->pays = !busy_poll->pays;
    busy_poll->trying = false;
}

bool busy_poll_count(struct busy_poll *busy_poll, bool idle)
{
    busy_poll->rest -= busy_poll->rest > 0;
    return busy_poll->requests == 0 || idle || ++busy_poll->requests > ROUND;
}

void busy_poll_round(struct busy_poll *busy_poll, uint64_t now, uint64_t used)
{
    if (busy_poll->requests > ROUND)
        end_round(busy_poll, now - busy_poll->begin, used - busy_poll->used);
    busy_poll->requests = 1;
    busy_poll->begin = now;
    busy_poll->used = used;
}
