// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/watchdog.h"

#include "fs/state/life.h"

/* Beats in each period of the manager. */
#define BEATS 4

/* A worker is stuck if it leaves the beats of a whole period unanswered, and those of this time at
 * least. A worker that recovers keeps the manager waiting, too, and has less time. */
#define STUCK_MICROSECONDS_MIN UINT64_C(2000000)
#define RECOVERY_BEATS         (BEATS / 2)

/* A longer period counts as this one. */
#define PERIOD_MICROSECONDS_MAX UINT64_C(86400000000)

static uint64_t microseconds(const struct watchdog *watchdog)
{
    uint64_t period = watchdog->period;

    return (period < PERIOD_MICROSECONDS_MAX ? period : PERIOD_MICROSECONDS_MAX) / BEATS + 1;
}

int watchdog_wait(const struct watchdog *watchdog)
{
    uint64_t now = clock_now();

    if (watchdog->period == 0)
        return -1;
    return watchdog->next > now ? (int)((watchdog->next - now) / 1000000) + 1 : 0;
}

bool watchdog_is_due(struct watchdog *watchdog)
{
    uint64_t now = clock_now();

    if (watchdog->period == 0 || now < watchdog->next)
        return false;
    watchdog->next = now + 1000 * microseconds(watchdog);
    return true;
}

bool watchdog_beat(struct watchdog *watchdog, uint64_t beats, bool serves)
{
    uint64_t patience = BEATS;

    if (patience * microseconds(watchdog) < STUCK_MICROSECONDS_MIN)
        patience = STUCK_MICROSECONDS_MIN / microseconds(watchdog);
    if (!serves)
        patience = RECOVERY_BEATS;
    watchdog->missed = beats == watchdog->beats ? watchdog->missed + 1 : 0;
    watchdog->beats = beats;
    return watchdog->missed > patience;
}

void watchdog_reset(struct watchdog *watchdog)
{
    watchdog->missed = 0;
}
