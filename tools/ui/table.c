// SPDX-License-Identifier: BSD-2-Clause
#include "tools/ui/table.h"

#include "tools/ui/array.h"
#include "tools/ui/output.h"

#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* How many places of a terminal a text takes. */
static size_t places(const char *text)
{
    mbstate_t state = { 0 };
    size_t count = 0, length;
    wchar_t character;
    while ((length = mbrtowc(&character, text, MB_CUR_MAX, &state)) != 0) {
        if (length > MB_CUR_MAX) /* not of this locale: byte by byte */
            return count + strlen(text);
        int width = wcwidth(character);
        count += width > 0 ? (size_t)width : 0;
        text += length;
    }
    return count;
}

void table_add(struct table *table, const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        err(EXIT_FAILURE, NULL);
    va_end(arguments);

    char *cell = printable(text);
    size_t *width = &table->widths[table->count % table->width];
    size_t own = places(cell);
    if (*width < own)
        *width = own;
    table->cells = array_grow(table->cells, table->count, sizeof(*table->cells));
    table->cells[table->count++] = cell;
    free(text);
}

void table_begin(struct table *table, const struct column *columns, size_t width)
{
    *table = (struct table){ .columns = columns, .width = width };
    for (size_t i = 0; i < width; i++)
        table_add(table, "%s", columns[i].title);
}

static void print_cell(const struct table *table, size_t index)
{
    const char *cell = table->cells[index];
    size_t column = index % table->width;
    bool last = column == table->width - 1;
    int padding = (int)(table->widths[column] - places(cell));
    if (table->columns[column].right)
        printf("%*s%s", padding, "", cell);
    else
        printf("%s%*s", cell, last ? 0 : padding, "");
    printf("%s", last ? "\n" : "  ");
}

void table_end(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        print_cell(table, i);
        free(table->cells[i]);
    }
    free(table->cells);
}
