// SPDX-License-Identifier: BSD-2-Clause
#include "tools/top/rates.h"

#include <stdlib.h>
#include <string.h>

static uint64_t served_before(const struct shmap_requests *before, const char *name)
{
    for (size_t i = 0; i < before->count; i++) {
        if (strcmp(before->all[i].name, name) == 0)
            return before->all[i].served;
    }
    return 0;
}

static int by_rate(const void *one, const void *other)
{
    const struct rate *a = one, *b = other;

    if (a->per_second != b->per_second)
        return a->per_second < b->per_second ? 1 : -1;
    if (a->served != b->served)
        return a->served < b->served ? 1 : -1;
    return strcmp(a->name, b->name);
}

/* Finds the durations of the requests of a kind between two looks. */
static void find_durations(const struct latencies *before, const struct latencies *now,
                           struct rate *rate)
{
    const struct latency *later = latency_of(now, rate->name);
    const struct latency *earlier = before->pid == now->pid ? latency_of(before, rate->name) : NULL;
    uint64_t between[DURATION_STEPS];

    if (!later)
        return;
    for (unsigned step = 0; step < DURATION_STEPS; step++) {
        uint64_t of_before = earlier ? earlier->of[step] : 0;

        between[step] = later->of[step] >= of_before ? later->of[step] - of_before : 0;
    }
    rate->median = latency_percentile(between, 50);
    rate->p99 = latency_percentile(between, 99);
}

void rates_between(const struct counts *before, const struct counts *now, double seconds,
                   struct rates *rates)
{
    const struct shmap_requests *requests = &now->requests;
    uint64_t pid = before->requests.pid;

    *rates =
        (struct rates){ .restarted = pid != 0 && pid != requests->pid, .count = requests->count };
    for (size_t i = 0; i < requests->count; i++) {
        const char *name = requests->all[i].name;
        uint64_t served = requests->all[i].served;
        uint64_t earlier = pid == requests->pid ? served_before(&before->requests, name) : 0;
        bool known = pid != 0 && seconds > 0 && served >= earlier;

        rates->all[i] =
            (struct rate){ .name = name,
                           .served = served,
                           .per_second = known ? (double)(served - earlier) / seconds : 0 };
        find_durations(&before->latencies, &now->latencies, &rates->all[i]);
    }
    qsort(rates->all, rates->count, sizeof(*rates->all), by_rate);
}
