// SPDX-License-Identifier: BSD-2-Clause
#include "tools/map/svg.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/escape.h"
#include "tools/map/picture.h"
#include "tools/ui/output.h"

enum {
    ROW_CELLS = 64,
    SIDE = 10, // of a cell
    MARGIN = 20,
    LINE = 18, // of text
    WIDTH = ROW_CELLS * SIDE,
};

static const char *const COLOURS[LOOKS] = {
    [LOOK_HOLE] = "#f4f4f4",     [LOOK_ABSENT] = "#cfd8dc", [LOOK_PARTLY] = "#90caf9",
    [LOOK_RESIDENT] = "#1e88e5", [LOOK_HUGE] = "#0d47a1",   [LOOK_DIRTY] = "#e53935",
    [LOOK_SWAPPED] = "#fb8c00",
};

/* Writes a text as XML has it. Unprintable characters are escaped before, for XML has no control
 * characters at all. */
static void write_text(const char *text, FILE *out)
{
    size_t room = ESCAPE_GROWTH * strlen(text) + 1;
    CLEANUP_FREE char *visible = malloc(room);

    if (!visible)
        err(EXIT_FAILURE, NULL);
    escape_text(text, true, visible, room);
    for (const char *at = visible; *at; at++) {
        if (*at == '<')
            fputs("&lt;", out);
        else if (*at == '>')
            fputs("&gt;", out);
        else if (*at == '&')
            fputs("&amp;", out);
        else
            fputc(*at, out);
    }
}

static void write_rectangle(unsigned x, unsigned y, unsigned width, const char *colour, FILE *out)
{
    fprintf(out, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%d\" fill=\"%s\"/>\n", x, y, width,
            SIDE - 1, colour);
}

/* Writes the cells, those side by side that look the same as one. Returns where they end. */
static unsigned write_cells(const struct page_map *map, unsigned y, FILE *out)
{
    size_t run;

    for (size_t i = 0; i < map->count; i += run) {
        enum cell_look look = cell_look(&map->cells[i]);

        for (run = 1; i + run < map->count && (i + run) % ROW_CELLS != 0 &&
                      cell_look(&map->cells[i + run]) == look;)
            run++;
        write_rectangle(MARGIN + (unsigned)(i % ROW_CELLS) * SIDE,
                        y + (unsigned)(i / ROW_CELLS) * SIDE, (unsigned)run * SIDE, COLOURS[look],
                        out);
    }
    return y + (unsigned)((map->count + ROW_CELLS - 1) / ROW_CELLS) * SIDE + LINE;
}

static unsigned write_legend(const struct page_map *map, unsigned y, FILE *out)
{
    for (unsigned look = 0; look < LOOKS; look++) {
        unsigned x = MARGIN + look % 4 * (WIDTH / 4), line = y + look / 4 * LINE;

        write_rectangle(x, line - SIDE + 1, SIDE, COLOURS[look], out);
        fprintf(out, "<text x=\"%u\" y=\"%u\">%s</text>\n", x + SIDE + 4, line,
                look_meaning(map, look));
    }
    return y + 2 * LINE + LINE / 2;
}

static unsigned place_of(const struct page_map *map, uint64_t offset)
{
    double part = map->size == 0 ? 0 : (double)offset / (double)map->size;

    return (unsigned)((part > 1 ? 1 : part) * WIDTH);
}

static unsigned write_mapping(const struct page_map *map, const struct user *user,
                              const struct file_use *use, unsigned y, FILE *out)
{
    unsigned from = place_of(map, use->offset), to = place_of(map, use->offset + use->length);

    write_rectangle(MARGIN + from, y, to > from ? to - from : 1, "#43a047", out);
    fprintf(out, "<text x=\"%d\" y=\"%u\">%d ", MARGIN, y + SIDE + LINE - 6, user->pid);
    write_text(user->command, out);
    fprintf(out, ", %s %s, %" PRIu64 "-%" PRIu64 "</text>\n", use->shared ? "shared" : "private",
            use->access, use->offset, use->offset + use->length - 1);
    return y + SIDE + LINE;
}

static unsigned count_mappings(const struct users *users)
{
    unsigned count = 0;

    for (size_t i = 0; i < users->count; i++) {
        for (size_t k = 0; k < users->all[i].count; k++)
            count += users->all[i].uses[k].kind == USE_MAPPED;
    }
    return count;
}

void svg_write(const char *title, const struct page_map *map, const struct users *users, FILE *out)
{
    unsigned rows = (unsigned)((map->count + ROW_CELLS - 1) / ROW_CELLS);
    unsigned height = 2 * MARGIN + 6 * LINE + rows * SIDE + count_mappings(users) * (SIDE + LINE);
    unsigned y = MARGIN + LINE;

    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" height=\"%u\" "
            "font-family=\"sans-serif\" font-size=\"12\">\n<title>",
            WIDTH + 2 * MARGIN, height);
    write_text(title, out);
    fprintf(out, "</title>\n<text x=\"%d\" y=\"%u\">", MARGIN, y);
    write_text(title, out);
    fprintf(out, ": %s, each cell %s</text>\n", humanize(map->size).text,
            humanize(map->cell_pages * map->page).text);
    y = write_cells(map, y + LINE / 2, out);
    y = write_legend(map, y, out);
    for (size_t i = 0; i < users->count; i++) {
        for (size_t k = 0; k < users->all[i].count; k++) {
            if (users->all[i].uses[k].kind == USE_MAPPED)
                y = write_mapping(map, &users->all[i], &users->all[i].uses[k], y, out);
        }
    }
    fputs("</svg>\n", out);
}
