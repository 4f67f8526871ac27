// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/request_counts.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "fs/state/request.h"

struct request_counts {
    _Atomic uint64_t of[REQUESTS][REQUEST_KINDS];
    _Atomic uint64_t lasted[REQUESTS][REQUEST_KINDS][DURATION_STEPS];
};

static unsigned kind_of(uint32_t opcode)
{
    return opcode < REQUEST_KINDS ? opcode : 0;
}

/* No other thread writes it, so that it takes no locked instruction. */
static void count_one(_Atomic uint64_t *count)
{
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

struct request_counts *request_counts_make(void)
{
    return calloc(1, sizeof(struct request_counts));
}

void request_counts_destroy(struct request_counts *counts)
{
    free(counts);
}

void request_counts_add(struct request_counts *counts, unsigned record, uint32_t opcode)
{
    count_one(&counts->of[record][kind_of(opcode)]);
}

void request_counts_lasted(struct request_counts *counts, unsigned record, uint32_t opcode,
                           uint64_t nanoseconds)
{
    count_one(&counts->lasted[record][kind_of(opcode)][duration_step(nanoseconds)]);
}

uint64_t request_counts_of(const struct request_counts *counts, uint32_t opcode)
{
    uint64_t sum = 0;

    for (unsigned record = 0; record < REQUESTS; record++)
        sum += atomic_load_explicit(&counts->of[record][opcode], memory_order_relaxed);
    return sum;
}

uint64_t request_counts_in_step(const struct request_counts *counts, uint32_t opcode, unsigned step)
{
    uint64_t sum = 0;

    for (unsigned record = 0; record < REQUESTS; record++)
        sum += atomic_load_explicit(&counts->lasted[record][opcode][step], memory_order_relaxed);
    return sum;
}
