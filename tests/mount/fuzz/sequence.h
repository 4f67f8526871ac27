// SPDX-License-Identifier: BSD-2-Clause
/* The operations of a round: random numbers that each kind of call reads in its own way. No
 * operation depends on what came of another, so any of them can be left out. */
#ifndef SHMAPFS_TESTS_FUZZ_SEQUENCE_H
#define SHMAPFS_TESTS_FUZZ_SEQUENCE_H

#include <stdint.h>
#include <sys/types.h>

enum { FUZZ_CLIENTS = 2, FUZZ_OPS = 400, FUZZ_SLOTS = 6, FUZZ_MAPPINGS = 3 };

struct fuzz_op {
    unsigned number; // in the whole sequence
    unsigned kind;   // in fuzz_kinds
    unsigned client;
    unsigned name[2];        // in fuzz_names
    unsigned slot[2];        // of descriptors, of mappings
    unsigned choice[3];      // of flags, modes, owners
    uint32_t offset, length; // from sets that have the edges of pages
    unsigned char fill;      // what is written: never 0, which is what holes are read as
};

/* A random number, and the next state of its generator. */
uint64_t fuzz_random(uint64_t *state);

/* Makes the sequence of this seed. Returns how many operations it has. */
unsigned fuzz_sequence(uint64_t seed, struct fuzz_op ops[FUZZ_OPS]);

const char *fuzz_name(unsigned name);

#endif
