// SPDX-License-Identifier: BSD-2-Clause
/* The objects below a directory of a mount. */
#ifndef SHMAPCTL_OBJECTS_H
#define SHMAPCTL_OBJECTS_H

#include "tools/scan/target.h"

#include <stdbool.h>
#include <stddef.h>

struct object {
    char *path; /* from where the listing began */
    enum shmap_class class;
    uint64_t inode;
    uint64_t size;
    uint64_t allocated; /* bytes that it takes */
    bool counted;       /* `pages` is known */
    struct shmap_pages pages;
};

struct objects {
    struct object *all; /* by path */
    size_t count;
};

/* Lists the regular files below a directory, or the one file that `path` is. No other mount is
 * entered and no symbolic link followed; what vanishes meanwhile is left out. What cannot be listed
 * is said on standard error, and left out. The working directory is another one afterwards. Returns
 * the exit status. */
int objects_find(const char *path, const struct target *target, struct objects *objects);

void objects_free(struct objects *objects);

#endif
