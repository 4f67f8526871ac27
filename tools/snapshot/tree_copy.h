// SPDX-License-Identifier: BSD-2-Clause
/*
 * The listed entries are copied: first all directories, then the files that are committed, for
 * which writers' commits wait in the journal, then everything else, and at last what directories
 * are like beside their contents.
 */
#ifndef SHMAPCTL_TREE_COPY_H
#define SHMAPCTL_TREE_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/snapshot/inventory.h"
#include "tools/snapshot/plain_copy.h"
#include "tools/ui/interruption.h"
#include "tools/ui/progress.h"

struct tree_copy {
    struct inventory *inventory;
    int to;         // the directory
    uint64_t point; // 0: there is none
    struct clone_source source;
    bool without_writing; // nobody may write to it
    struct interruption *interruption;
    struct progress *progress;

    uint64_t bytes;
    uint64_t files;
    uint64_t torn;     // files that may have a part of a change without the rest
    uint64_t left_out; // files that could not be read
    uint64_t gone;     // committed files that somebody has removed or replaced meanwhile
    const char *at;    // the path that the last step was about
    void *links;       // inodes with several names
};

/* Each returns 0, -EINTR, or another negative errno; -ESTALE: the point has ended. */
int tree_copy_directories(struct tree_copy *copy);
int tree_copy_committed(struct tree_copy *copy);
int tree_copy_plain(struct tree_copy *copy);
int tree_copy_finish(struct tree_copy *copy);

/* Frees what it needs; the directory stays. */
void tree_copy_end(struct tree_copy *copy);

#endif
