// SPDX-License-Identifier: BSD-2-Clause
/*
 * The pages of a file, cell by cell: as many cells as somebody wants to see, of equal size.
 *
 * Pages that are in memory are found through a mapping: where data passes through the kernel it is
 * one of the area's file, which has the pages, and elsewhere of the file itself.
 */
#ifndef SHMAPCTL_PAGE_MAP_H
#define SHMAPCTL_PAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of pages. Each is a hole, or data; data can be resident or swapped out, or neither: on
 * the disk alone. */
struct page_cell {
    uint64_t pages;
    uint64_t hole;
    uint64_t resident;
    uint64_t dirty;
    uint64_t huge; // of those that are resident
    uint64_t swapped;
};

struct page_map {
    uint64_t size; // bytes
    uint64_t page;
    uint64_t cell_pages;
    struct page_cell *cells;
    size_t count;
    struct page_cell total;
    // The numbers as far as they can be known here; otherwise the numbers are 0.
    bool knows_resident, knows_dirty, knows_huge, knows_swapped;
};

/* Reads the pages of a regular file, which is open for reading, in at most so many cells (at least
 * 1). Holes are not looked into. Returns 0 or a negative errno. */
int page_map_read(int fd, size_t cells, struct page_map *map);

/* Lays out cells for a file of a size, with no pages in memory: for page_map_read(), and tests. */
int page_map_make(uint64_t size, uint64_t page, size_t cells, struct page_map *map);

/* Adds to a number of the cells that pages are in. `member` is its place, by PAGE_CELL(). */
#define PAGE_CELL(name) offsetof(struct page_cell, name)
void page_map_add(struct page_map *map, uint64_t first, uint64_t count, size_t member);

void page_map_free(struct page_map *map);

/* The looks of a cell. */
enum cell_look {
    LOOK_HOLE,
    LOOK_ABSENT,   // data that is not in memory
    LOOK_PARTLY,   // some of it is
    LOOK_RESIDENT, // all of it is
    LOOK_HUGE,     // most of that in huge pages
    LOOK_DIRTY,    // some page is dirty
    LOOK_SWAPPED,  // some page is swapped out
    LOOKS
};
enum cell_look cell_look(const struct page_cell *cell);

#endif
