// SPDX-License-Identifier: BSD-2-Clause
/*
 * One line that tells a user what is wrong and what would be right.
 *
 * The function that notices a mistake while a mount is being set up knows the facts and writes the
 * line; main() prints it.
 */
#ifndef SHMAP_COMPLAINT_H
#define SHMAP_COMPLAINT_H

struct complaint {
    char text[1024];
};

/* Writes the line, escaped as lib/sys/escape.h says, and returns -error, so that a check can end
 * with `return complain(…)`. */
int complain(struct complaint *complaint, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
