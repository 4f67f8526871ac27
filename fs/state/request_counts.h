// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counts of the requests of each kind that a worker has served, and of how long they lasted. Each
 * record has counts of its own, and a record is one thread's at a time: so counting is an addition
 * to memory that no other thread writes, and a reader adds all up. The next worker begins anew.
 */
#ifndef SHMAPFS_REQUEST_COUNTS_H
#define SHMAPFS_REQUEST_COUNTS_H

#include <stdint.h>

#include "lib/latency/duration_scale.h"

struct request_counts;

/* NULL: there is no memory. */
struct request_counts *request_counts_make(void);
void request_counts_destroy(struct request_counts *counts);

/* Counts a request of a record, by its opcode. */
void request_counts_add(struct request_counts *counts, unsigned record, uint32_t opcode);

/* Says how long a request of a record lasted, when it has ended. */
void request_counts_lasted(struct request_counts *counts, unsigned record, uint32_t opcode,
                           uint64_t nanoseconds);

enum { REQUEST_KINDS = 64 }; // opcodes are below; a higher one is counted as 0

/* Returns how many there were of an opcode. */
uint64_t request_counts_of(const struct request_counts *counts, uint32_t opcode);

/* Returns how many of an opcode lasted as long as a step of the scale says. */
uint64_t request_counts_in_step(const struct request_counts *counts, uint32_t opcode,
                                unsigned step);

#endif
