// SPDX-License-Identifier: BSD-2-Clause
/* Which objects are listed, in which order, and what they are together. */
#ifndef SHMAPCTL_SELECTION_H
#define SHMAPCTL_SELECTION_H

#include "tools/scan/objects.h"

enum object_key {
    BY_PATH,
    BY_SIZE,
    BY_ALLOCATED,
    BY_RESIDENT,
    BY_DIRTY,
    BY_UNCOMMITTED,
    BY_USERS,
    BY_MTIME,
    OBJECT_KEYS
};

struct selection {
    enum object_key key; // numbers from the greatest, times from the latest; then by path
    bool reverse;
    const enum shmap_class *class; // of what is listed; NULL: of any
    const char *name;              // a pattern of fnmatch(3) for the last component; NULL: any
    bool used, unused;             // by a process
};

/* Finds the key that a word names. Returns whether there is one. */
bool selection_find_key(const char *word, enum object_key *key);

/* Drops objects that are not selected, and sorts the others. Their users were counted before. */
void selection_apply(const struct selection *selection, struct objects *objects);

struct object_sum {
    size_t objects, directories;
    uint64_t size, allocated;
    bool counted; // all pages are known
    struct shmap_pages pages;
    uint64_t uncommitted; // bytes
};

/* Adds objects up. One that has several names counts once. */
struct object_sum objects_sum(const struct objects *objects);

#endif
