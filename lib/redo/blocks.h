// SPDX-License-Identifier: BSD-2-Clause
/*
 * The blocks of a file, of a page each: which are in use, and the checksums of what they have.
 *
 * A block that a commit has sealed is not free when its page is replaced, for after a crash the
 * commit before may be the last one: it is dead until the generation of records that names it has
 * ended. Blocks that the next generation names as well live until the one after that. The caller
 * has a lock.
 */
#ifndef SHMAP_BLOCKS_H
#define SHMAP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blocks {
    size_t words;       // of each bitmap
    uint64_t *used;     // a bit for each block: live or dead
    uint64_t *dead;     // named by the current generation alone
    uint64_t *dying;    // named by the next one, too
    uint64_t *checksum; // of each block
    uint64_t count;     // in use
    size_t lowest;      // no word before this one has a free block
};

void blocks_clear(struct blocks *blocks);

/* Takes up to `wanted` free blocks that follow each other, the lowest there are. Returns how many,
 * and the first; 0: no memory. */
uint64_t blocks_take(struct blocks *blocks, uint64_t wanted, uint64_t *first);

/* Takes certain blocks, dead or free. Returns 0, -ENOMEM, or -EUCLEAN: one of them is in use. */
int blocks_claim(struct blocks *blocks, uint64_t first, uint64_t count);

/* Gives back blocks that no commit has sealed. */
void blocks_give(struct blocks *blocks, uint64_t first, uint64_t count);

/* Notes that sealed blocks were replaced. `next`: the next generation names them, too. */
void blocks_kill(struct blocks *blocks, uint64_t first, uint64_t count, bool next);

/* The current generation has ended: its dead blocks are free. */
void blocks_turn(struct blocks *blocks);

/* There will be no next generation; what waited for it waits for the current one. */
void blocks_turn_failed(struct blocks *blocks);

/* Returns one more than the highest block in use. */
uint64_t blocks_end(const struct blocks *blocks);

#endif
