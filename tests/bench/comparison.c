// SPDX-License-Identifier: BSD-2-Clause
#include "comparison.h"

#include <math.h>

// Our two sides with one set of options against what they are compared with.
#define OURS(suffix)                                                                          \
    {                                                                                         \
        { "anon", "anon" suffix, NULL }, { "/tmpfs-huge", "anon" suffix, "tmpfs-huge" },      \
            { "/tmpfs", "anon" suffix, "tmpfs" }, { "/hp-tmpfs", "anon" suffix, "hp-tmpfs" }, \
            { "persist", "persist" suffix, NULL },                                            \
            { "/directory", "persist" suffix, "directory" },                                  \
            { "/hp-directory", "persist" suffix, "hp-directory" },                            \
    }

// clang-format off
const struct block blocks[] = {
    { "shmapfs with its default options", OURS("") },
    { "shmapfs with -o io_uring", OURS("-uring") },
    { "shmapfs with -o nopassthrough", OURS("-nopassthrough") },
    { "scratch directories", {
        { "scratch", "scratch", NULL },
        { "/directory", "scratch", "directory" },
        { "/tmpfs", "scratch", "tmpfs" },
        { "/persist", "scratch", "persist" },
    } },
    { "directories with commits", {
        { "atomic", "atomic", NULL },
        { "/directory", "atomic", "directory" },
        { "/floor", "atomic", "floor" },
        { "/leaders", "atomic", "floor-leaders" },
        { "checkpoint", "checkpoint", NULL },
        { "/tmpfs", "checkpoint", "tmpfs" },
        { "/directory", "checkpoint", "directory" },
    } },
    { "a store of several hosts", {
        { "shared", "shared", NULL },
        { "/directory", "shared", "directory" },
    } },
    { "the others", {
        { "hp-tmpfs", "hp-tmpfs", NULL },
        { "/tmpfs-huge", "hp-tmpfs", "tmpfs-huge" },
        { "hp-dir.", "hp-directory", NULL },
        { "/directory", "hp-directory", "directory" },
        { "memfs_ll", "memfs_ll", NULL },
        { "/tmpfs", "memfs_ll", "tmpfs" },
        { "floor", "floor", NULL },
        { "io_uring", "floor-uring", NULL },
    } },
    { "answers at once, received as shmapfs does", {
        { "floor-leaders", "floor-leaders", NULL },
        { "/hp-tmpfs", "floor-leaders", "hp-tmpfs" },
        { "/hp-directory", "floor-leaders", "hp-directory" },
    } },
};
const struct block quoted_block = { "shmapfs with its default options", {
    { "anon", "anon", NULL },
    { "against tmpfs with the same `huge=`", "anon", "tmpfs-huge" },
    { "against `passthrough_hp`", "anon", "hp-tmpfs" },
    { "persist", "persist", NULL },
    { "against the stores' filesystem", "persist", "directory" },
    { "against `passthrough_hp`", "persist", "hp-directory" },
} };
// clang-format on
const size_t block_count = sizeof(blocks) / sizeof(blocks[0]);

struct summary column_figure(const struct results *results, const struct series *series,
                             const struct column *column)
{
    size_t side = side_index(column->side);

    return column->against == NULL
               ? results_values(results, series, side)
               : results_ratios(results, series, side, side_index(column->against));
}

bool block_has(const struct results *results, const struct series *series,
               const struct block *block)
{
    for (const struct column *column = block->columns; column->title != NULL; column++) {
        if (!isnan(column_figure(results, series, column).median))
            return true;
    }
    return false;
}
