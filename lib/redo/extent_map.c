// SPDX-License-Identifier: BSD-2-Clause
#include "lib/redo/extent_map.h"

#include <errno.h>
#include <stdlib.h>

/* A change splits one extent at most, and adds one. */
#define NODES_FOR_A_CHANGE 2

static int compare_extents(const struct extent *a, const struct extent *b)
{
    return a->first < b->first ? -1 : a->first > b->first;
}

/* RB_GENERATE_STATIC marks its functions with a word that libbsd does not define. */
// NOLINTNEXTLINE
RB_GENERATE_INTERNAL(extent_tree, extent, entry, compare_extents, static __attribute__((unused)))

static struct extent *node_new(struct extent_map *map)
{
    struct extent *node = map->spare;

    map->spare = RB_LEFT(node, entry);
    map->spares--;
    return node;
}

static void node_free(struct extent_map *map, struct extent *node)
{
    RB_LEFT(node, entry) = map->spare;
    map->spare = node;
    map->spares++;
}

static void keep_spares(struct extent_map *map, size_t count)
{
    while (map->spares > count)
        free(node_new(map));
}

int extent_map_prepare(struct extent_map *map, size_t changes)
{
    while (map->spares < changes * NODES_FOR_A_CHANGE) {
        struct extent *node = malloc(sizeof(*node));

        if (node == NULL)
            return -ENOMEM;
        node_free(map, node);
    }
    return 0;
}

void extent_map_relax(struct extent_map *map)
{
    keep_spares(map, 0);
}

struct extent *extent_map_find(const struct extent_map *map, uint64_t page)
{
    struct extent *node = RB_ROOT(&map->tree);
    struct extent *found = NULL;

    while (node != NULL) {
        if (node->first + node->pages > page) {
            found = node;
            node = RB_LEFT(node, entry);
        } else {
            node = RB_RIGHT(node, entry);
        }
    }
    return found;
}

struct extent *extent_map_next(const struct extent *extent)
{
    return RB_NEXT(extent_tree, NULL, (struct extent *)(uintptr_t)extent);
}

static void count_in(struct extent_map *map, const struct extent *extent)
{
    if (extent->block != EXTENT_HOLE)
        map->blocks += extent->pages;
}

static void count_out(struct extent_map *map, const struct extent *extent)
{
    if (extent->block != EXTENT_HOLE)
        map->blocks -= extent->pages;
}

static void insert(struct extent_map *map, struct extent *node)
{
    RB_INSERT(extent_tree, &map->tree, node);
    map->count++;
    count_in(map, node);
}

static void take_out(struct extent_map *map, struct extent *node)
{
    RB_REMOVE(extent_tree, &map->tree, node);
    map->count--;
    count_out(map, node);
}

static void add(struct extent_map *map, uint64_t first, uint64_t pages, uint64_t block)
{
    struct extent *node = node_new(map);

    *node = (struct extent){ .first = first, .pages = pages, .block = block };
    insert(map, node);
}

static uint64_t block_at(const struct extent *extent, uint64_t page)
{
    return extent->block == EXTENT_HOLE ? EXTENT_HOLE : extent->block + (page - extent->first);
}

/* Takes the pages from `first` to before `end` out of an extent that has some of them. */
static void cut(struct extent_map *map, struct extent *extent, uint64_t first, uint64_t end,
                const struct extent_release *release)
{
    const struct extent was = *extent;
    uint64_t was_end = was.first + was.pages;
    uint64_t from = was.first > first ? was.first : first;
    uint64_t until = was_end < end ? was_end : end;

    take_out(map, extent);
    node_free(map, extent);
    if (was.block != EXTENT_HOLE && release != NULL)
        release->release(release->context, block_at(&was, from), until - from);
    if (was.first < from)
        add(map, was.first, from - was.first, was.block);
    if (until < was_end)
        add(map, until, was_end - until, block_at(&was, until));
}

static int continues(const struct extent *left, const struct extent *right)
{
    if (left->first + left->pages != right->first)
        return 0;
    if (left->block == EXTENT_HOLE || right->block == EXTENT_HOLE)
        return left->block == right->block;
    return left->block + left->pages == right->block;
}

/* Makes one extent of two neighbours where that is possible. Returns the extent that has the pages
 * of the right one. */
static struct extent *merge(struct extent_map *map, struct extent *left, struct extent *right)
{
    if (left == NULL || right == NULL || !continues(left, right))
        return right != NULL ? right : left;
    take_out(map, right);
    count_out(map, left);
    left->pages += right->pages;
    count_in(map, left);
    node_free(map, right);
    return left;
}

static void merge_around(struct extent_map *map, struct extent *node)
{
    node = merge(map, RB_PREV(extent_tree, &map->tree, node), node);
    merge(map, node, RB_NEXT(extent_tree, &map->tree, node));
}

void extent_map_set(struct extent_map *map, uint64_t first, uint64_t pages, uint64_t block,
                    const struct extent_release *release)
{
    uint64_t end = first + pages;
    struct extent *node;

    for (node = extent_map_find(map, first); node != NULL && node->first < end;
         node = extent_map_find(map, first))
        cut(map, node, first, end, release);
    node = node_new(map);
    *node = (struct extent){ .first = first, .pages = pages, .block = block };
    insert(map, node);
    merge_around(map, node);
}

void extent_map_clear(struct extent_map *map, const struct extent_release *release)
{
    struct extent *node;

    while ((node = RB_ROOT(&map->tree)) != NULL) {
        if (node->block != EXTENT_HOLE && release != NULL)
            release->release(release->context, node->block, node->pages);
        take_out(map, node);
        free(node);
    }
    extent_map_relax(map);
}

int extent_map_prepare_overlay(struct extent_map *below, const struct extent_map *above)
{
    return RB_EMPTY(&below->tree) ? 0 : extent_map_prepare(below, above->count);
}

int extent_map_overlay(struct extent_map *below, struct extent_map *above,
                       const struct extent_release *release)
{
    int error = extent_map_prepare_overlay(below, above);
    struct extent *node;

    if (error)
        return error;
    if (RB_EMPTY(&below->tree)) {
        extent_map_relax(below);
        extent_map_relax(above);
        *below = *above;
    } else {
        for (node = extent_map_find(above, 0); node != NULL; node = extent_map_next(node))
            extent_map_set(below, node->first, node->pages, node->block, release);
        extent_map_relax(below);
        extent_map_clear(above, NULL);
    }
    *above = (struct extent_map){ .count = 0 };
    return 0;
}
