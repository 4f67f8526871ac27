// SPDX-License-Identifier: BSD-2-Clause
/* Columns of text, each as wide as its widest cell. */
#ifndef SHMAPCTL_TABLE_H
#define SHMAPCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 10 };

struct column {
    const char *title;
    bool right; // as numbers are aligned
};

struct table {
    const struct column *columns;
    size_t width; // in columns
    char **cells;
    size_t count; // of cells
    size_t widths[TABLE_COLUMNS_MAX];
};

/* Begins a table of `width` columns with their titles as the first row. */
void table_init(struct table *table, const struct column *columns, size_t width);

/* Adds the next cell, rows from left to right; the text is made printable. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints the table, on standard output or elsewhere, and frees it. */
void table_print(struct table *table);
void table_write(struct table *table, FILE *to);

/* Frees a table that is not to be printed. */
void table_free(struct table *table);

#endif
