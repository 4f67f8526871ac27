// SPDX-License-Identifier: BSD-2-Clause
/*
 * Renames from a directory of one class to one of another, where both have their contents in the
 * store: the file stays the same, whoever has it open or mapped, and has the other class from then
 * on. Directories do not cross, because all that the kernel knows below them would change with
 * them; nor do files with other names, which would have two classes at once.
 */
#ifndef SHMAPFS_CROSSING_H
#define SHMAPFS_CROSSING_H

#include "fs/inode/inode.h"
#include "lib/quota/project.h"

/* A file that is to cross, and the project that it counted for. */
struct crossing {
    int fd; // -1: it stays what it is
    struct project before;
    bool done;
};
#define CROSSING_NONE \
    {                 \
        .fd = -1      \
    }
#define CROSSING __attribute__((cleanup(crossing_end))) struct crossing

/* Returns whether a name in one directory has another class than in the other. */
static inline bool crosses(const struct inode *from, const struct inode *to)
{
    return inode_class(from) != inode_class(to);
}

/* Checks that something may cross, and brings to the disk what an fsync has not waited for while it
 * did not last: who renames a file after that relies on it. -EXDEV: it may not; programs copy then,
 * as mv(1) does. The file counts for the limit of its new directory from then on. */
int crossing_begin(const struct inode *from, const char *name, const struct inode *to,
                   unsigned flags, struct crossing *crossing);

/* Has a file that has not crossed after all count for the limit that it did before. */
void crossing_end(struct crossing *crossing);

/* Gives what has crossed its class, if the kernel knows it. */
void crossing_done(const struct inode *to, const struct node_key *key);

#endif
