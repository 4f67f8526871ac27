// SPDX-License-Identifier: BSD-2-Clause
/*
 * Commits of several files as one: after a crash all of them are as of it, or none.
 *
 * The daemon knows of stores through mappings when the kernel has written them, and not before.
 */
#ifndef SHMAPFS_COMMON_COMMIT_H
#define SHMAPFS_COMMON_COMMIT_H

#include "fs/inode/inode.h"

/* The outcome of a common commit. */
struct common_commit {
    size_t files;   // that had something to commit
    size_t commits; // that it took: all files of one are there after a crash, or none
    size_t left;    // files with something to commit that are their programs' business alone
};

/* The files that are meant, by the inode numbers that the mount shows, in ascending order. */
struct common_files {
    const uint64_t *numbers;
    size_t count;
    // Returns whether the caller may have a file committed.
    bool (*is_allowed)(struct inode *inode, void *context);
    void *context;
};

/* Commits some files in one record. Returns 0 or a negative errno, and then nothing is committed;
 * -EACCES: not all of them are the caller's; errors as of journal_commit(). */
int common_commit_files(struct volume *volume, const struct common_files *files,
                        struct common_commit *done);

/* Commits all files that the end of the mount would commit, in as few records as there can be.
 * Returns 0 or the first negative errno after having tried all. */
int common_commit_all(struct volume *volume, struct common_commit *done);

#endif
