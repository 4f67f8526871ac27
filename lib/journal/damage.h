// SPDX-License-Identifier: BSD-2-Clause
/* The damage that a replay after a crash finds. */
#ifndef SHMAP_JOURNAL_DAMAGE_H
#define SHMAP_JOURNAL_DAMAGE_H

#include <stdbool.h>

#include "lib/journal/core.h"

/* Tells of an object in one line. */
void damage_tell(const struct journal_listener *listener, struct journal_object *object,
                 const char *what);

/* Reads a block. Returns 0 and its checksum, or a negative errno. */
int damage_checksum(struct journal *journal, uint64_t block, uint64_t *checksum);

/* Checks the data that a commit makes valid. `last`: no other one comes after it. Returns 0; 1:
 * nobody was told of this commit, and so it never was, nor what comes after it; or a negative
 * errno. */
int damage_check_commit(struct journal *journal, const struct journal_listener *listener,
                        struct journal_report *report, const struct redo_commit *commit, bool last);

/* Looks behind the end of the records for one that says that there were more. Returns 0 or a
 * negative errno. */
int damage_find_lost(struct journal_report *report, const struct half_reader *reader);

#endif
