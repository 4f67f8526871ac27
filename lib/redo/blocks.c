// SPDX-License-Identifier: BSD-2-Clause
#include "lib/redo/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS      64U
#define WORDS_MIN 1024U

/* No filesystem has files of so many blocks. */
#define BLOCKS_MAX (UINT64_C(1) << 44)

void blocks_clear(struct blocks *blocks)
{
    free(blocks->used);
    free(blocks->dead);
    free(blocks->dying);
    free(blocks->checksum);
    *blocks = (struct blocks){ .words = 0 };
}

static bool grow_array(uint64_t **array, size_t from, size_t to)
{
    uint64_t *grown = reallocarray(*array, to, sizeof(**array));

    if (grown == NULL)
        return false;
    memset(grown + from, 0, (to - from) * sizeof(**array));
    *array = grown;
    return true;
}

static int grow(struct blocks *blocks, uint64_t end)
{
    size_t words = blocks->words > 0 ? blocks->words : WORDS_MIN;

    if (end > BLOCKS_MAX)
        return -EUCLEAN;
    while (words * BITS < end)
        words *= 2;
    if (words == blocks->words)
        return 0;
    if (!grow_array(&blocks->used, blocks->words, words) ||
        !grow_array(&blocks->dead, blocks->words, words) ||
        !grow_array(&blocks->dying, blocks->words, words) ||
        !grow_array(&blocks->checksum, blocks->words * BITS, words * BITS))
        return -ENOMEM;
    blocks->words = words;
    return 0;
}

static bool bit(const uint64_t *map, uint64_t block)
{
    return map[block / BITS] >> block % BITS & 1;
}

static void set_bit(uint64_t *map, uint64_t block)
{
    map[block / BITS] |= UINT64_C(1) << block % BITS;
}

static void clear_bit(uint64_t *map, uint64_t block)
{
    map[block / BITS] &= ~(UINT64_C(1) << block % BITS);
}

static void use(struct blocks *blocks, uint64_t block)
{
    set_bit(blocks->used, block);
    blocks->count++;
}

uint64_t blocks_take(struct blocks *blocks, uint64_t wanted, uint64_t *first)
{
    uint64_t got = 0;

    while (blocks->lowest < blocks->words && blocks->used[blocks->lowest] == UINT64_MAX)
        blocks->lowest++;
    *first = blocks->lowest * BITS;
    if (blocks->lowest < blocks->words)
        *first += (unsigned)__builtin_ctzll(~blocks->used[blocks->lowest]);
    while (got < wanted) {
        if (*first + got >= blocks->words * BITS && grow(blocks, *first + got + 1) != 0)
            break;
        if (bit(blocks->used, *first + got))
            break;
        use(blocks, *first + got++);
    }
    return got;
}

int blocks_claim(struct blocks *blocks, uint64_t first, uint64_t count)
{
    int error;

    if (first > BLOCKS_MAX || count > BLOCKS_MAX)
        return -EUCLEAN;
    error = grow(blocks, first + count);
    if (error)
        return error;
    for (uint64_t block = first; block < first + count; block++)
        if (bit(blocks->used, block))
            return -EUCLEAN;
    for (uint64_t block = first; block < first + count; block++)
        use(blocks, block);
    return 0;
}

void blocks_give(struct blocks *blocks, uint64_t first, uint64_t count)
{
    for (uint64_t block = first; block < first + count; block++)
        clear_bit(blocks->used, block);
    blocks->count -= count;
    if (first / BITS < blocks->lowest)
        blocks->lowest = first / BITS;
}

void blocks_kill(struct blocks *blocks, uint64_t first, uint64_t count, bool next)
{
    for (uint64_t block = first; block < first + count; block++)
        set_bit(next ? blocks->dying : blocks->dead, block);
}

void blocks_turn(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->words; i++) {
        blocks->count -= (unsigned)__builtin_popcountll(blocks->dead[i]);
        blocks->used[i] &= ~blocks->dead[i];
        blocks->dead[i] = blocks->dying[i];
        blocks->dying[i] = 0;
    }
    blocks->lowest = 0;
}

void blocks_turn_failed(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->words; i++) {
        blocks->dead[i] |= blocks->dying[i];
        blocks->dying[i] = 0;
    }
}

uint64_t blocks_end(const struct blocks *blocks)
{
    for (size_t i = blocks->words; i > 0; i--)
        if (blocks->used[i - 1] != 0)
            return i * BITS - (unsigned)__builtin_clzll(blocks->used[i - 1]);
    return 0;
}
