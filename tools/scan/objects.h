// SPDX-License-Identifier: BSD-2-Clause
/* The objects below a directory of a mount. */
#ifndef SHMAPCTL_OBJECTS_H
#define SHMAPCTL_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "tools/scan/tally.h"
#include "tools/scan/target.h"

struct object {
    char *path;        // from where the listing began
    bool is_directory; // and has a class, a lifetime and users alone
    struct timespec modified;
    enum shmap_class class;
    enum shmap_class next_class; // when nobody uses it any more; mostly the same
    uint64_t inode;
    uint64_t size;
    uint64_t allocated; // bytes that it takes
    bool counted;       // `pages` is known
    struct shmap_pages pages;
    uint64_t uncommitted;           // bytes
    struct shmap_lifetime lifetime; // of a directory, what is made in it will have
    // For whoever finds them: how many processes use it, and the entries of these in a tally.
    size_t users;
    const struct tally_entry *entries;
};

/* A directory that has a RAM area for itself. */
struct limited {
    char *path; // likewise; "." where it began
    uint64_t size;
    uint64_t used;
    char words[SHMAP_AREA_WORDS_MAX];
};

struct objects {
    struct object *all;
    size_t count;
    struct limited *limited;
    size_t limited_count;
};

/* Returns whether what is written to files of a class waits for a commit. */
bool object_has_commits(enum shmap_class class);

/* Lists the regular files and the directories below a directory, or the one file that `path` is. It
 * enters no other mount and follows no symbolic link; what vanishes meanwhile is left out. Anything
 * that cannot be listed is left out after a line on standard error. The working directory is
 * another one afterwards. Returns the exit status. */
int objects_find(const char *path, const struct scan_target *target, struct objects *objects);

void objects_free(struct objects *objects);

#endif
