// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/sequence.h"

#include "tests/mount/fuzz/kinds.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* 256 bytes: longer than a name may be. */
#define SIXTEEN  "nnnnnnnnnnnnnnnn"
#define TOO_LONG SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN
#define LONG     TOO_LONG TOO_LONG

/* Few, so that calls meet. */
static const char *const names[] = {
    "f0",    "f0",    "f1",    "f1",       "f2", "d0",    "d0",  "d1",  "d0/f0", "d0/f1", "d1/f0",
    "d0/d2", "d0/d2", "d1/d3", "d0/d2/f0", "s0", "d1/s1", "d0/", "f1/", ".",     "f0/f0", LONG,
};

/* A round begins with these calls, so that more calls find something: their kind, and the name and
 * the flags that they take. */
static const struct {
    fuzz_call *make;
    unsigned name, choice;
} beginning[] = {
    { call_mkdir, 5, 0 },  { call_mkdir, 7, 0 },  { call_mkdir, 11, 0 }, { call_open, 0, 4 },
    { call_open, 2, 4 },   { call_open, 0, 2 },   { call_open, 8, 4 },   { call_open, 10, 4 },
    { call_pwrite, 0, 0 }, { call_pwrite, 0, 0 }, { call_mmap, 0, 1 },   { call_mmap, 0, 1 },
};

static const uint32_t offsets[] = {
    0, 0, 0, 1, 100, 511, 4095, 4096, 4097, 8191, 8192, 10000, 16384, 20480, 40000, 65536, 100000,
};

static const uint32_t lengths[] = { 0, 1, 7, 100, 512, 4095, 4096, 4097, 8192, 12345, 20000 };

/* Where calls make directories and links most often: where files are wanted more, they are in the
 * way. */
static const unsigned for_directories[] = { 5, 7, 11, 13, 4 };
static const unsigned for_links[] = { 15, 16, 4 };

uint64_t fuzz_random(uint64_t *state)
{
    // splitmix64: seeds that are close to each other give sequences that have nothing in common.
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static unsigned below(uint64_t *state, size_t count)
{
    return (unsigned)(fuzz_random(state) % count);
}

static unsigned choose_kind(uint64_t *state)
{
    unsigned all = fuzz_kinds[0].weight, kind = 0;

    for (size_t i = 1; i < fuzz_kind_count; i++)
        all += fuzz_kinds[i].weight;
    for (unsigned rest = below(state, all); rest >= fuzz_kinds[kind].weight; kind++)
        rest -= fuzz_kinds[kind].weight;
    return kind;
}

static void begin_with(struct fuzz_op *op)
{
    for (unsigned kind = 0; kind < fuzz_kind_count; kind++)
        if (fuzz_kinds[kind].make == beginning[op->number].make)
            op->kind = kind;
    op->client = op->number % FUZZ_CLIENTS;
    op->name[0] = beginning[op->number].name;
    op->choice[0] = beginning[op->number].choice;
    op->choice[1] = 1;
}

/* Three times in four the names are where they do not harm. */
static void choose_places(struct fuzz_op *op, uint64_t *state)
{
    fuzz_call *make = fuzz_kinds[op->kind].make;

    if (below(state, 4) == 0)
        return;
    if (make == call_mkdir)
        op->name[0] = for_directories[below(state, COUNT(for_directories))];
    else if (make == call_symlink)
        op->name[1] = for_links[below(state, COUNT(for_links))];
    else if (make == call_mknod)
        op->name[0] = for_links[below(state, COUNT(for_links))];
}

unsigned fuzz_sequence(uint64_t seed, struct fuzz_op ops[FUZZ_OPS])
{
    uint64_t state = seed;

    for (unsigned i = 0; i < FUZZ_OPS; i++) {
        struct fuzz_op *op = &ops[i];
        *op = (struct fuzz_op){ .number = i, .kind = choose_kind(&state) };
        op->client = below(&state, FUZZ_CLIENTS);
        for (unsigned j = 0; j < COUNT(op->name); j++)
            op->name[j] = below(&state, COUNT(names));
        for (unsigned j = 0; j < COUNT(op->slot); j++)
            op->slot[j] = below(&state, FUZZ_SLOTS);
        for (unsigned j = 0; j < COUNT(op->choice); j++)
            op->choice[j] = (unsigned)(fuzz_random(&state) >> 40);
        op->offset = offsets[below(&state, COUNT(offsets))];
        op->length = lengths[below(&state, COUNT(lengths))];
        op->fill = (unsigned char)(1 + below(&state, 255));
        choose_places(op, &state);
        if (i < COUNT(beginning))
            begin_with(op);
    }
    return FUZZ_OPS;
}

const char *fuzz_name(unsigned name)
{
    return names[name];
}
