// SPDX-License-Identifier: BSD-2-Clause
/* Renames, and the record of the names that nodes are known by (reopen.h). */
#ifndef SHMAPFS_RENAME_H
#define SHMAPFS_RENAME_H

#include "fs/inode/inode.h"

/* Renames as renameat2(2) does, and updates the records of the names: `source` is the key of the
 * first; NULL: the area has handles, and so there are no records. */
int rename_entry(struct inode *from, const char *name, struct inode *to, const char *new_name,
                 unsigned flags, const struct node_key *source);

/* Updates the records alone, after a rename by a worker that died before it could record it.
 * `source` and `target` are the keys that the names had before. */
void rename_recover(struct inode *from, const char *name, struct inode *to, const char *new_name,
                    unsigned flags, const struct node_key *source, const struct node_key *target);

/* Begin and end the removal or replacement of a file's name: meanwhile no file in RAM is removed
 * with its last user. ENTRIES is the cleanup attribute for the second. */
struct volume *entries_begin(const struct inode *dir);
void entries_end(struct volume **volume);
#define ENTRIES __attribute__((cleanup(entries_end), unused)) struct volume *changes_entries

/* Keep all names of files in RAM as they are. */
void entries_freeze(struct volume *volume);
void entries_thaw(struct volume *volume);

/* Has what was written to a file that is about to take another's name on the disk before, where its
 * class would otherwise leave an empty file under that name after a crash. Returns 0 or a negative
 * errno. */
int rename_settle(struct inode *from, const char *name, struct inode *to, const char *new_name,
                  unsigned flags);

/* Notes that a file has another name, which is to be on the disk together with what is written to
 * it. */
void rename_touched(struct inode *dir, const char *name);

#endif
