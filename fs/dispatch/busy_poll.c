// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/busy_poll.h"

#define ROUND     512 // requests
#define EARLY     64  // requests after which a try may be seen to be slower
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

/* Returns whether a thread hardly waited for a processor: nobody else wants one, and even a short
 * time tells. */
static bool is_alone(uint64_t time, uint64_t used)
{
    return used >= time - time / 16;
}

/* Ends a round that went the other way, unless the thread had to rest. */
static void end_try(struct busy_poll *busy_poll, uint64_t time)
{
    uint64_t little = busy_poll->usual / 8;

    busy_poll->trying = false;
    if (busy_poll->rest > 0)
        return;
    if (time > busy_poll->usual + little && busy_poll->alone) {
        busy_poll->doubt += busy_poll->doubt < DOUBT_MAX;
        return;
    }
    busy_poll->doubt = 0;
    // Without a clear difference everything stays as it is.
    if (time < busy_poll->usual - little)
        busy_poll->pays = !busy_poll->pays;
}

static void end_round(struct busy_poll *busy_poll, uint64_t time, uint64_t used)
{
    if (busy_poll_wanted(busy_poll) && is_shared(time, used)) {
        if (busy_poll->pays)
            busy_poll->doubt = 0;
        busy_poll->doubt += busy_poll->doubt < DOUBT_MAX;
        busy_poll->pays = false;
        busy_poll->trying = false;
    } else if (busy_poll->trying) {
        end_try(busy_poll, time);
    } else {
        busy_poll->usual = time;
        busy_poll->alone = is_alone(time, used);
        busy_poll->trying = ++busy_poll->rounds % (TRY_EVERY << busy_poll->doubt) == 0;
    }
}

bool busy_poll_count(struct busy_poll *busy_poll, bool idle)
{
    busy_poll->rest -= busy_poll->rest > 0;
    busy_poll->early = false;
    if (busy_poll->requests == 0 || idle)
        return true;
    busy_poll->requests++;
    busy_poll->early = busy_poll->trying && busy_poll->alone && busy_poll->requests == EARLY + 1;
    return busy_poll->early || busy_poll->requests > ROUND;
}

void busy_poll_round(struct busy_poll *busy_poll, uint64_t now, uint64_t used)
{
    uint64_t time = now - busy_poll->begin;

    if (busy_poll->early) {
        bool alone = is_alone(time, used - busy_poll->used);

        time *= ROUND / EARLY;
        if (!alone || time <= busy_poll->usual + busy_poll->usual / 2)
            return;
        end_try(busy_poll, time);
    } else if (busy_poll->requests > ROUND) {
        end_round(busy_poll, time, used - busy_poll->used);
    }
    busy_poll->requests = 1;
    busy_poll->begin = now;
    busy_poll->used = used;
}
