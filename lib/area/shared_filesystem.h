// SPDX-License-Identifier: BSD-2-Clause
/* The filesystems that several hosts can reach at a time. */
#ifndef SHMAP_SHARED_FILESYSTEM_H
#define SHMAP_SHARED_FILESYSTEM_H

#include <stdbool.h>

/* Returns whether other hosts may reach what is on a filesystem, by its type in the mount table. A
 * FUSE filesystem that is not known to be of one host counts as one of several. */
bool filesystem_is_shared(const char *type);

/* When a host sees what another one has stored through a mapping. */
enum shared_mappings {
    MAPPINGS_REFUSED,    // not even files and names are kept the same on all hosts, as far as known
    MAPPINGS_NEVER,      // files are
    MAPPINGS_UNTRIED,    // its documentation promises it
    MAPPINGS_AFTER_SYNC, // after msync(2)
    MAPPINGS_AT_ONCE,
};

/* Returns what holds on a filesystem that several hosts can reach. */
enum shared_mappings filesystem_mappings(const char *type);

/* Returns the word for it: "never", "untried", "after-msync" or "at-once"; otherwise "". */
const char *filesystem_mappings_word(enum shared_mappings mappings);

#endif
