// SPDX-License-Identifier: BSD-2-Clause
/*
 * How many requests of each kind a worker has served. Each record has counts of its own, and a
 * record is one thread's at a time: so counting is an addition to memory that no other thread
 * writes, and whoever looks adds all up. The next worker begins anew.
 */
#ifndef SHMAPFS_REQUEST_COUNTS_H
#define SHMAPFS_REQUEST_COUNTS_H

#include <stdint.h>

struct request_counts;

/* NULL: there is no memory. */
struct request_counts *request_counts_make(void);
void request_counts_destroy(struct request_counts *counts);

/* Counts a request of a record, by its opcode. */
void request_counts_add(struct request_counts *counts, unsigned record, uint32_t opcode);

enum { REQUEST_KINDS = 64 }; // opcodes are below; a higher one is counted as 0

/* Returns how many there were of an opcode. */
uint64_t request_counts_of(const struct request_counts *counts, uint32_t opcode);

#endif
