// SPDX-License-Identifier: BSD-2-Clause
/* The users of each file of a filesystem, by the file. */
#ifndef SHMAPCTL_TALLY_H
#define SHMAPCTL_TALLY_H

#include "tools/scan/users.h"

/* A process that uses a file, once for each file. */
struct tally_entry {
    uint64_t inode;
    const struct user *user;
    bool keeps; // has it open, mapped or executes it, and is not merely there
};

/* In ascending order of inode numbers, and for each of process ids. */
struct tally {
    struct tally_entry *all;
    size_t count;
};

/* Makes a tally of users, who are sorted by file on the way, and have to outlive it. */
struct tally tally_users(const struct users *users);

void tally_free(struct tally *tally);

/* Returns the first of the entries of a file, and how many there are. */
const struct tally_entry *tally_find(const struct tally *tally, uint64_t inode, size_t *count);

#endif
