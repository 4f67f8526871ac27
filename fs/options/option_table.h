// SPDX-License-Identifier: BSD-2-Clause
/* The options of -o: a row each. */
#ifndef SHMAPFS_OPTION_TABLE_H
#define SHMAPFS_OPTION_TABLE_H

#include <stddef.h>

#include "fs/options/options.h"

struct option_row {
    const char *name;
    const char *value; // what a value must look like; NULL: it takes none
    const char *help;  // NULL: a word of mount(8)'s own
    // Returns 0, -EINVAL, -ERANGE or -ENOMEM. NULL: the word means something to others only.
    int (*set)(struct options *options, const struct option_row *row, const char *value);
    size_t flag;    // of a flag: where it is in struct options
    bool state;     // and what it becomes
    uint64_t atime; // of a policy for access times: MOUNT_ATTR_…
};

extern const struct option_row OPTION_ROWS[];
extern const size_t OPTION_ROW_COUNT;

/* NULL: there is none by this name. */
const struct option_row *option_find(const char *name);

/* What is not given. */
void option_set_defaults(struct options *options);

#endif
