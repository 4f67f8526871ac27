// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/request_counts.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "fs/state/request.h"

struct request_counts {
    _Atomic uint64_t of[REQUESTS][REQUEST_KINDS];
};

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
    _Atomic uint64_t *count = &counts->of[record][opcode < REQUEST_KINDS ? opcode : 0];

    // No other thread writes it, so that it takes no locked instruction.
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

uint64_t request_counts_of(const struct request_counts *counts, uint32_t opcode)
{
    uint64_t sum = 0;

    for (unsigned record = 0; record < REQUESTS; record++)
        sum += atomic_load_explicit(&counts->of[record][opcode], memory_order_relaxed);
    return sum;
}
