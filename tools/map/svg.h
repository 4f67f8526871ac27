// SPDX-License-Identifier: BSD-2-Clause
/* A map of a file's pages as a drawing. */
#ifndef SHMAPCTL_SVG_H
#define SHMAPCTL_SVG_H

#include <stdio.h>

#include "tools/map/page_map.h"
#include "tools/scan/users.h"

enum { SVG_CELLS = 4096 };

/* Writes a document of SVG 1.1, in UTF-8, with a title. */
void svg_write(const char *title, const struct page_map *map, const struct users *users, FILE *out);

#endif
