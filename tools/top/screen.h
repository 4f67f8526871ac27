// SPDX-License-Identifier: BSD-2-Clause
/*
 * A terminal that is drawn anew: its alternate screen, cut to its height and width. However the
 * program ends, but by SIGKILL, the terminal is given back as it was.
 *
 * A few sequences that every terminal of today knows do all of that; ncurses would have to be
 * installed, and to be told of what is printed.
 */
#ifndef SHMAPCTL_SCREEN_H
#define SHMAPCTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct screen {
    int signals; // a signalfd of those that end the program, stop it or tell of a new size
    bool keys;   // standard input is the terminal, and in the foreground
    struct termios before; // its state then
};

/* Takes the terminal that standard output is. Returns 0 or a negative errno. */
int screen_begin(struct screen *screen);

/* Draws a text of lines, of which those that do not fit are left out. */
void screen_draw(const char *text, size_t length);

/* Waits for so many milliseconds, or until there is something to do. Returns false when the program
 * is to end: q was pressed (`number` is 0), or a signal of that number has come. */
bool screen_wait(struct screen *screen, int limit, int *number);

/* Gives the terminal back, and ends the program by a signal, unless its number is 0. */
void screen_end(struct screen *screen, int number);

#endif
