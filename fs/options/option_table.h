// SPDX-License-Identifier: BSD-2-Clause
/* The options of -o: one row each. */
#ifndef SHMAPFS_OPTION_TABLE_H
#define SHMAPFS_OPTION_TABLE_H

#include <stddef.h>

#include "fs/options/options.h"

struct option_row {
    const char *name;
    const char *value; // the form of the value; NULL: the option takes none
    const char *help;  // NULL: a word of mount(8)'s or of tmpfs' own
    // Returns 0, -EINVAL, -ERANGE or -ENOMEM.
    int (*set)(struct options *options, const struct option_row *row, const char *value);
    size_t flag;    // for a flag: its offset in struct options
    bool state;     // for a flag, and for access times of directories: its new value
    uint64_t atime; // for a policy of access times: MOUNT_ATTR_…
    bool kept;      // a remount may only name what is in force
};

extern const struct option_row OPTION_ROWS[];
extern const size_t OPTION_ROW_COUNT;

/* Finds an option by its name. Returns NULL if there is none. */
const struct option_row *option_find(const char *name);

/* Sets every option to its default. */
void option_set_defaults(struct options *options);

/* Adds a word to a text that has one in each line. Returns 0 or -ENOMEM. */
int option_add_line(char **text, const char *name, const char *value);

/* Frees the texts that options have. */
void option_free(struct options *options);

#endif
