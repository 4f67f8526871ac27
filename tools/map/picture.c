// SPDX-License-Identifier: BSD-2-Clause
#include "tools/map/picture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/scan/process.h"
#include "tools/ui/output.h"

enum {
    USUAL_COLUMNS = 80,
    MARGIN = 8, // the offset before each row
    CELLS_LEAST = 16,
    CELLS_MOST = 128,
    BAR_MOST = 32,
};

static const struct {
    const char *sign, *ascii, *meaning;
} LOOK_SIGNS[LOOKS] = {
    [LOOK_HOLE] = { "·", ".", "hole" },
    [LOOK_ABSENT] = { "░", "-", "not in memory" },
    [LOOK_PARTLY] = { "▒", "+", "partly in memory" },
    [LOOK_RESIDENT] = { "▓", "#", "in memory" },
    [LOOK_HUGE] = { "█", "H", "in huge pages" },
    [LOOK_DIRTY] = { "◆", "D", "dirty" },
    [LOOK_SWAPPED] = { "▽", "S", "swapped out" },
};

const char *look_meaning(const struct page_map *map, enum cell_look look)
{
    if (look == LOOK_ABSENT && !map->knows_resident)
        return "data";
    return LOOK_SIGNS[look].meaning;
}

unsigned picture_columns(void)
{
    const char *columns = getenv("COLUMNS");
    unsigned long wanted = columns ? strtoul(columns, NULL, 10) : 0;
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return wanted > 0 && wanted < 10000 ? (unsigned)wanted : USUAL_COLUMNS;
}

struct picture picture_for(unsigned columns, bool ascii)
{
    unsigned width = CELLS_LEAST;

    while (2 * width <= CELLS_MOST && 2 * width + MARGIN <= columns)
        width *= 2;
    return (struct picture){ .width = width, .ascii = ascii };
}

static const char *sign_of(const struct picture *picture, enum cell_look look)
{
    return picture->ascii ? LOOK_SIGNS[look].ascii : LOOK_SIGNS[look].sign;
}

static void draw_rows(const struct picture *picture, const struct page_map *map, FILE *out)
{
    for (size_t i = 0; i < map->count; i++) {
        if (i % picture->width == 0)
            fprintf(out, "%s%6s  ", i > 0 ? "\n" : "",
                    humanize(i * map->cell_pages * map->page).text);
        fputs(sign_of(picture, cell_look(&map->cells[i])), out);
    }
    if (map->count > 0)
        fputc('\n', out);
}

static void draw_legend(const struct picture *picture, const struct page_map *map, FILE *out)
{
    bool seen[LOOKS] = { false };

    for (size_t i = 0; i < map->count; i++)
        seen[cell_look(&map->cells[i])] = true;
    fprintf(out, "%*seach is %s:", MARGIN, "", humanize(map->cell_pages * map->page).text);
    for (unsigned look = 0; look < LOOKS; look++) {
        if (seen[look])
            fprintf(out, "  %s %s", sign_of(picture, look), look_meaning(map, look));
    }
    fputc('\n', out);
}

static void draw_number(const char *what, bool known, uint64_t number, FILE *out)
{
    if (known)
        fprintf(out, ", %" PRIu64 " %s", number, what);
    else
        fprintf(out, ", ? %s", what);
}

void picture_draw(const struct picture *picture, const struct page_map *map, FILE *out)
{
    const struct page_cell *total = &map->total;

    draw_rows(picture, map, out);
    if (map->count > 0)
        draw_legend(picture, map, out);
    fprintf(out, "%" PRIu64 " pages: %" PRIu64 " in holes", total->pages, total->hole);
    draw_number("in memory", map->knows_resident, total->resident, out);
    draw_number("in huge pages", map->knows_huge, total->huge, out);
    draw_number("dirty", map->knows_dirty, total->dirty, out);
    draw_number("swapped out", map->knows_swapped, total->swapped, out);
    fputc('\n', out);
}

/* Returns which of the places of a bar a byte of the file is at. */
static unsigned place_in_bar(const struct page_map *map, uint64_t offset, unsigned width)
{
    if (offset >= map->size)
        return width;
    return (unsigned)((double)offset * width / (double)map->size);
}

static void draw_mapping(const struct picture *picture, const struct page_map *map,
                         const struct user *user, const struct file_use *use, FILE *out)
{
    CLEANUP_FREE char *command = printable(user->command);
    unsigned width = picture->width < BAR_MOST ? picture->width : BAR_MOST;
    unsigned from = place_in_bar(map, use->offset, width);
    unsigned to = place_in_bar(map, use->offset + use->length - 1, width);

    fprintf(out, "[");
    for (unsigned i = 0; i < width; i++)
        fputs(i < from || i > to ? " " : picture->ascii ? "=" : "━", out);
    fprintf(out, "]  %" PRIu64 "-%" PRIu64 "  %s %s  %d %s\n", use->offset,
            use->offset + use->length - 1, use->shared ? "shared" : "private", use->access,
            user->pid, command);
}

bool picture_draw_mappings(const struct picture *picture, const struct page_map *map,
                           const struct users *users, FILE *out)
{
    bool any = false;

    for (size_t i = 0; i < users->count; i++) {
        for (size_t k = 0; k < users->all[i].count; k++) {
            if (users->all[i].uses[k].kind != USE_MAPPED)
                continue;
            draw_mapping(picture, map, &users->all[i], &users->all[i].uses[k], out);
            any = true;
        }
    }
    return any;
}
