// SPDX-License-Identifier: BSD-2-Clause
#include "tools/ui/table.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "tools/ui/array.h"
#include "tools/ui/output.h"

/* Returns how many places of a terminal a text takes. */
static size_t count_places(const char *text)
{
    mbstate_t state = { 0 };
    size_t count = 0, length;
    wchar_t character;

    while ((length = mbrtowc(&character, text, MB_CUR_MAX, &state)) != 0) {
        int width;

        if (length > MB_CUR_MAX) // not of this locale: byte by byte
            return count + strlen(text);
        width = wcwidth(character);
        count += width > 0 ? (size_t)width : 0;
        text += length;
    }
    return count;
}

void table_add(struct table *table, const char *format, ...)
{
    size_t *width = &table->widths[table->count % table->width];
    char *text = NULL;
    va_list arguments;
    size_t places;
    char *cell;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        err(EXIT_FAILURE, NULL);
    cell = printable(text);
    free(text);
    places = count_places(cell);
    if (*width < places)
        *width = places;
    table->cells = array_grow(table->cells, table->count, sizeof(*table->cells));
    table->cells[table->count++] = cell;
}

void table_init(struct table *table, const struct column *columns, size_t width)
{
    *table = (struct table){ .columns = columns, .width = width };
    for (size_t i = 0; i < width; i++)
        table_add(table, "%s", columns[i].title);
}

static void print_cell(const struct table *table, size_t index, FILE *to)
{
    const char *cell = table->cells[index];
    size_t column = index % table->width;
    bool last = column == table->width - 1;
    int padding = (int)(table->widths[column] - count_places(cell));

    if (table->columns[column].right)
        fprintf(to, "%*s%s", padding, "", cell);
    else
        fprintf(to, "%s%*s", cell, last ? 0 : padding, "");
    fputs(last ? "\n" : "  ", to);
}

void table_write(struct table *table, FILE *to)
{
    for (size_t i = 0; i < table->count; i++)
        print_cell(table, i, to);
    table_free(table);
}

void table_print(struct table *table)
{
    table_write(table, stdout);
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        free(table->cells[i]);
    free(table->cells);
}
