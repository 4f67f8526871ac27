// SPDX-License-Identifier: BSD-2-Clause
/* Where a store has its journal, and whose it must be. */
#ifndef SHMAP_REDO_LOCATION_H
#define SHMAP_REDO_LOCATION_H

#define JOURNAL_FILE         "journal"
#define JOURNAL_FILE_DAMAGED "journal.damaged"
#define JOURNAL_FILE_NEW     "journal.new"

/* Opens the journal of a store. Returns a descriptor or a negative errno; -ENOENT: there is none;
 * -EPERM: it is not a file that this user alone can write to, and so not to be believed. */
int location_open(int store, int flags);

/* Makes an empty one. Returns a descriptor or a negative errno. */
int location_create(int store);

/* Removes it, for good: that it has gone is on the disk, too. Returns 0 or a negative errno. */
int location_remove(int store);

/* Gives it the name of a damaged one, in place of an earlier one. Likewise. */
int location_keep_damaged(int store);

#endif
