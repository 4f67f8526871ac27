// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/busy_poll.h"

#define ROUND     512 // requests
#define TRY       64  // requests of a round that goes the other way
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

/* Ends a round that went the other way, of which as long a one as usual would have taken `time`. */
static void end_try(struct busy_poll *busy_poll, uint64_t time)
{
    uint64_t little = busy_poll->usual / 8;

    busy_poll->trying = false;
    // Without a clear difference everything stays as it is.
    if (time > busy_poll->usual + little) {
        busy_poll->doubt += busy_poll->doubt < DOUBT_MAX;
        return;
    }
    busy_poll->doubt = 0;
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
        end_try(busy_poll, time * (ROUND / TRY));
    } else {
        busy_poll->usual = time;
        busy_poll->trying = ++busy_poll->rounds % (TRY_EVERY << busy_poll->doubt) == 0;
    }
}

static unsigned length_of_round(const struct busy_poll *busy_poll)
{
    return busy_poll->trying ? TRY : ROUND;
}

bool busy_poll_count(struct busy_poll *busy_poll, bool idle)
{
    busy_poll->rest -= busy_poll->rest > 0;
    return busy_poll->requests == 0 || idle || ++busy_poll->requests > length_of_round(busy_poll);
}

void busy_poll_round(struct busy_poll *busy_poll, uint64_t now, uint64_t used)
{
    if (busy_poll->requests > length_of_round(busy_poll))
        end_round(busy_poll, now - busy_poll->begin, used - busy_poll->used);
    busy_poll->requests = 1;
    busy_poll->begin = now;
    busy_poll->used = used;
}
