// SPDX-License-Identifier: BSD-2-Clause
/* The kinds of load. Those that are told to hold something hold it from the beginning to the
 * end. */
#ifndef SHMAPFS_TESTS_LOAD_KINDS_H
#define SHMAPFS_TESTS_LOAD_KINDS_H

#include "tests/mount/load/load.h"

extern const struct load_kind load_private; // everything, in a directory of one's own
extern const struct load_kind load_shared;  // everything, by several in the same directories
extern const struct load_kind load_contest; // calls of which exactly one may succeed
extern const struct load_kind load_tokens;  // files that wander; none may be lost or doubled
extern const struct load_kind load_mutex;   // lock files
extern const struct load_kind load_nest;    // directories that are moved into each other
extern const struct load_kind load_append;  // records by several at the end of one file
extern const struct load_kind load_data;    // contents, by every way of writing and reading
extern const struct load_kind load_churn;   // many names that come and go
extern const struct load_kind
    load_scan; // directories listed while they change, and everything looked at

extern const struct load_kind load_hold_locks;      // flock, fcntl and OFD locks
extern const struct load_kind load_hold_unlinked;   // files and a directory without a name
extern const struct load_kind load_hold_stream;     // a directory stream over 5,000 names
extern const struct load_kind load_hold_mapping;    // shared and private mappings
extern const struct load_kind load_hold_attributes; // extended attributes, mode and times
extern const struct load_kind load_hold_class;      // classes, in the store
extern const struct load_kind load_hold_limit;      // the size of the area, as statfs tells it
extern const struct load_kind load_fill;            // the size of the area, by filling it

#endif
