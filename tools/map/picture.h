// SPDX-License-Identifier: BSD-2-Clause
/* A map of a file's pages as a terminal shows it. */
#ifndef SHMAPCTL_PICTURE_H
#define SHMAPCTL_PICTURE_H

#include <stdio.h>

#include "tools/map/page_map.h"
#include "tools/scan/users.h"

struct picture {
    unsigned width; // cells in a row
    bool ascii;     // otherwise the terminal shows UTF-8
};

enum { PICTURE_ROWS = 16 };

/* Lays a picture out for a terminal that is so wide. */
struct picture picture_for(unsigned columns, bool ascii);

/* Returns how many columns standard output has, 80 where it does not tell. */
unsigned picture_columns(void);

/* Draws the cells with their legend, and the sum of all. */
void picture_draw(const struct picture *picture, const struct page_map *map, FILE *out);

/* Draws which part of the file each process has mapped. Returns whether there is any. */
bool picture_draw_mappings(const struct picture *picture, const struct page_map *map,
                           const struct users *users, FILE *out);

/* Returns in a few words what a look of a cell means in a map. */
const char *look_meaning(const struct page_map *map, enum cell_look look);

#endif
