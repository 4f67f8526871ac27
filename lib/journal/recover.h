// SPDX-License-Identifier: BSD-2-Clause
/* Opens a journal that is there. */
#ifndef SHMAP_JOURNAL_RECOVER_H
#define SHMAP_JOURNAL_RECOVER_H

#include "lib/journal/replay.h"

/* Opens the file and reads its superblock. Returns a descriptor, or a negative errno after a
 * complaint; -ENOENT, without one: there is none. -ENODATA: there is no superblock, and `*empty`
 * tells whether there never was anything. */
int recover_open(int store, int flags, struct superblock *superblock, bool *empty,
                 struct complaint *complaint);

#endif
