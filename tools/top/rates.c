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

void rates_between(const struct shmap_requests *before, const struct shmap_requests *now,
                   double seconds, struct rates *rates)
{
    *rates = (struct rates){ .restarted = before->pid != 0 && before->pid != now->pid,
                             .count = now->count };
    for (size_t i = 0; i < now->count; i++) {
        uint64_t served = now->all[i].served;
        uint64_t earlier = before->pid == now->pid ? served_before(before, now->all[i].name) : 0;
        bool known = before->pid != 0 && seconds > 0 && served >= earlier;

        rates->all[i] =
            (struct rate){ .name = now->all[i].name,
                           .served = served,
                           .per_second = known ? (double)(served - earlier) / seconds : 0 };
    }
    qsort(rates->all, rates->count, sizeof(*rates->all), by_rate);
}
