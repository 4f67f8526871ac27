// SPDX-License-Identifier: BSD-2-Clause
/* The applier: a thread that brings what is committed to the store's files, now and then. */
#ifndef SHMAPFS_APPLIER_H
#define SHMAPFS_APPLIER_H

#include "lib/journal/journal.h"

/* Returns one without a thread, for free(); NULL: out of memory. */
struct applier *applier_make(void);

/* Notes that the journal has changed. Starts the thread, if there is none; without one, for want of
 * threads, the journal grows until there is. */
void applier_wake(struct applier *applier, struct journal *journal);

/* Ends the thread, when nothing is written any more. */
void applier_end(struct applier *applier);

#endif
