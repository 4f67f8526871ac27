// SPDX-License-Identifier: BSD-2-Clause
/* Signals that end a command, taken where nothing is half-done. */
#ifndef SHMAPCTL_INTERRUPTION_H
#define SHMAPCTL_INTERRUPTION_H

#include <signal.h>
#include <stdbool.h>

struct interruption {
    int fd; // is readable when a signal has come
    sigset_t before;
    int signal; // that has come; 0: none
};

/* Holds back the signals that end a command, until interruption_end(), which ends it by the one
 * that has come. Returns 0 or a negative errno. */
int interruption_begin(struct interruption *interruption);
void interruption_end(struct interruption *interruption);

/* Returns whether a signal has come. */
bool interruption_came(struct interruption *interruption);

#endif
