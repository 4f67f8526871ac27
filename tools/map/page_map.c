// SPDX-License-Identifier: BSD-2-Clause
#include "tools/map/page_map.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t *member_of(struct page_cell *cell, size_t member)
{
    return (uint64_t *)(void *)((char *)cell + member);
}

void page_map_add(struct page_map *map, uint64_t first, uint64_t count, size_t member)
{
    *member_of(&map->total, member) += count;
    while (count > 0) {
        uint64_t room = map->cell_pages - first % map->cell_pages;
        uint64_t part = count < room ? count : room;

        *member_of(&map->cells[first / map->cell_pages], member) += part;
        first += part;
        count -= part;
    }
}

int page_map_make(uint64_t size, uint64_t page, size_t cells, struct page_map *map)
{
    uint64_t pages = size / page + (size % page != 0);

    *map = (struct page_map){ .size = size, .page = page, .cell_pages = 1 };
    // Powers of two, so that a cell begins where a huge page does.
    while (pages > map->cell_pages * cells)
        map->cell_pages *= 2;
    map->count = (size_t)(pages / map->cell_pages + (pages % map->cell_pages != 0));
    map->cells = calloc(map->count + 1, sizeof(*map->cells));
    if (!map->cells)
        return -ENOMEM;
    page_map_add(map, 0, pages, PAGE_CELL(pages));
    return 0;
}

void page_map_free(struct page_map *map)
{
    free(map->cells);
}

enum cell_look cell_look(const struct page_cell *cell)
{
    uint64_t data = cell->pages - cell->hole;

    if (cell->dirty > 0)
        return LOOK_DIRTY;
    if (cell->swapped > 0)
        return LOOK_SWAPPED;
    if (data == 0)
        return LOOK_HOLE;
    if (cell->resident == 0)
        return LOOK_ABSENT;
    if (cell->resident < data)
        return LOOK_PARTLY;
    return 2 * cell->huge > data ? LOOK_HUGE : LOOK_RESIDENT;
}
