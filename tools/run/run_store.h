// SPDX-License-Identifier: BSD-2-Clause
/*
 * The directory in which a run keeps its objects, before a daemon has it.
 */
#ifndef SHMAPCTL_RUN_STORE_H
#define SHMAPCTL_RUN_STORE_H

#include <stdbool.h>

struct run_store {
    const char *path; // NULL: there is none
    bool is_new;      // made for this run
    bool awaited;     // another daemon has it, as the user was told
};

/* Makes the directory if need be, and says who uses it, if somebody does. Returns 0, or -1 after a
 * line on standard error. To be called before a namespace is entered: from inside, other runs
 * cannot be looked at. */
int run_store_prepare(struct run_store *store, const char *mountpoint);

/* Says that the store is there, to a user who was told that it is not. */
void run_store_report_ready(const struct run_store *store);

/* Takes it away again when nothing came of the run. */
void run_store_give_up(const struct run_store *store);

#endif
