// SPDX-License-Identifier: BSD-2-Clause
/* A directory and all that is below it. */
#ifndef SHMAPCTL_TREE_H
#define SHMAPCTL_TREE_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/ui/interruption.h"

struct tree_entry {
    uint64_t inode; // by which they are sorted
    uint64_t links; // names that it has, anywhere; of a directory 1
};

struct tree {
    dev_t device;
    struct tree_entry *entries; // by inode, one for each name
    size_t count;
    uint64_t bytes; // that it takes
};

/* Reads a tree. Returns 0 or a negative errno; -EXDEV: another filesystem is mounted in it. */
int tree_read(int directory, struct tree *tree);

void tree_free(struct tree *tree);

bool tree_has(const struct tree *tree, uint64_t inode);

/* Returns whether a file of the tree has a name elsewhere. */
bool tree_is_linked_elsewhere(const struct tree *tree);

/* Brings all regular files and directories of a tree to the disk, one by one. Returns 0, -EINTR, or
 * another negative errno. */
int tree_sync(int directory, struct interruption *interruption);

/* Opens the entries of a directory, whose descriptor stays. NULL: errno tells why. */
DIR *tree_open_entries(int directory);

/* Returns the name of the next entry but . and ..; NULL: there is none. */
const char *tree_next_entry(DIR *entries);

/* Returns whether a directory has no entries; true also where it cannot be read. */
bool tree_is_empty(int directory);

#endif
