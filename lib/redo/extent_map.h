// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which pages of an object a layer of the journal has, and in which blocks. Neighbours in pages and
 * blocks are one extent.
 */
#ifndef SHMAP_EXTENT_MAP_H
#define SHMAP_EXTENT_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/tree.h>

/* In place of a block: the pages are zeros. */
#define EXTENT_HOLE UINT64_MAX

/* One page more than any object has. */
#define EXTENT_END (UINT64_C(1) << 51)

struct extent {
    RB_ENTRY(extent) entry;
    uint64_t first;
    uint64_t pages;
    uint64_t block; // of the first page; EXTENT_HOLE
};

RB_HEAD(extent_tree, extent);

struct extent_map {
    struct extent_tree tree;
    size_t count;
    uint64_t blocks;      // pages that are no hole
    struct extent *spare; // for changes that must not fail
    size_t spares;
};

/* Hears which blocks a change of a map has replaced. */
struct extent_release {
    void (*release)(void *context, uint64_t block, uint64_t pages);
    void *context;
};

/* Sets memory aside for so many calls of extent_map_set(). Returns 0 or -ENOMEM. */
int extent_map_prepare(struct extent_map *map, size_t changes);

/* Lets the memory go that was set aside. */
void extent_map_relax(struct extent_map *map);

/* Gives pages other blocks, or makes a hole of them. Memory was set aside. */
void extent_map_set(struct extent_map *map, uint64_t first, uint64_t pages, uint64_t block,
                    const struct extent_release *release);

/* Finds the extent with a page, or the next one after it; NULL: there is none. */
struct extent *extent_map_find(const struct extent_map *map, uint64_t page);

/* Returns the extent after one; NULL: there is none. */
struct extent *extent_map_next(const struct extent *extent);

/* Empties a map. `release` may be NULL. */
void extent_map_clear(struct extent_map *map, const struct extent_release *release);

/* Lays one map over another one, and empties it. Returns 0, or -ENOMEM, and then both are as they
 * were. */
int extent_map_overlay(struct extent_map *below, struct extent_map *above,
                       const struct extent_release *release);

/* Sets memory aside so that extent_map_overlay() with these two cannot fail. Returns 0 or
 * -ENOMEM. */
int extent_map_prepare_overlay(struct extent_map *below, const struct extent_map *above);

#endif
