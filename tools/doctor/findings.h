// SPDX-License-Identifier: BSD-2-Clause
/* The findings of doctor: a line for each thing that it looked at. */
#ifndef SHMAPCTL_FINDINGS_H
#define SHMAPCTL_FINDINGS_H

#include <stddef.h>

enum verdict {
    VERDICT_FINE,
    VERDICT_BETTER, // it works, and could do so faster or better
    VERDICT_WRONG,
};

struct finding {
    char *place;         // a mount point or a store; NULL: it is about the machine
    const char *subject; // one of a few words
    enum verdict verdict;
    char *text;
    char *remedy; // a command, or what to do where no single command does it; NULL: it is fine
};

struct findings {
    struct finding *all;
    size_t count;
    const char *place; // of those that are added from now on
};

/* Adds a line, which is fine until finding_mend() says how to mend it. */
void finding_add(struct findings *findings, const char *subject, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says of the last line that it is not fine, and what mends it. */
void finding_mend(struct findings *findings, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns the worst verdict of all. */
enum verdict findings_worst(const struct findings *findings);

/* Returns the word for a verdict: "fine", "better", "wrong". */
const char *verdict_word(enum verdict verdict);

/* Returns a word as a shell takes it, quoted if need be. For free(). */
char *shell_word(const char *word);

void findings_free(struct findings *findings);

#endif
