// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reads the records of a journal, and makes of them what they say.
 *
 * The same serves two cases. After a worker's death the page cache has all that was written, and so
 * everything counts. After a crash only what was committed counts, and of that only what is whole.
 */
#ifndef SHMAP_JOURNAL_REPLAY_H
#define SHMAP_JOURNAL_REPLAY_H

#include <stdbool.h>

#include "lib/journal/journal.h"
#include "lib/redo/superblock.h"

struct replay {
    struct journal *journal; // new, with its file
    bool crash;
    const struct journal_listener *listener;
    struct journal_report report;
    bool turned; // the superblock is known to be on disk
    int failed;  // errno of a failure of the disk that the worker before has seen
};

/* Reads what a superblock names. Returns 0 or a negative errno; -EUCLEAN: a record contradicts
 * those before it; `report.records` is its sequence. */
int replay_run(struct replay *replay, const struct superblock *superblock);

/* Goes through the uncommitted data that was found. A worker may have died between the data and its
 * record: then the record is written anew before the next commit. Returns 0 or a negative errno. */
int replay_check_uncommitted(struct journal *journal);

#endif
