// SPDX-License-Identifier: BSD-2-Clause
/*
 * Limits of scratch directories, by project quotas of the store's filesystem
 * (lib/quota/project_ids.h). The store keeps the words of a limit (lib/class/area_mark.h), and the
 * contents have a project id from when they are made until they go. They are root's mounts that
 * have limits: nobody else can set a quota.
 */
#ifndef SHMAPFS_SCRATCH_LIMIT_H
#define SHMAPFS_SCRATCH_LIMIT_H

#include "fs/inode/inode.h"
#include "lib/area/area_words.h"

/* Checks that a volume can have a limit. Returns 0 or a negative errno; -EINVAL: the words have no
 * size, or others than size and nr_inodes; -ERANGE; -EOPNOTSUPP: the store has no project quotas,
 * or the mount is not root's. */
int scratch_limit_check(const struct volume *volume, const struct area_words *words);

/* Notes a limit in the store, for contents that are not made yet. Returns 0 or a negative errno as
 * that does. */
int scratch_limit_note(struct volume *volume, int named_dir, const struct area_words *words);

/* Has contents count for a project of their own, where a limit is noted and they do not yet.
 * Returns 0 or a negative errno, after a line in the log. */
int scratch_limit_apply(struct volume *volume, int named_dir, int contents);

/* Changes the limit of a class root, or gives it one while it is empty. Returns 0 or a negative
 * errno as scratch_limit_note() does; -EBUSY: more is in use; -ENOTEMPTY. */
int scratch_limit_change(struct inode *class_root, const struct area_words *changes);

/* Takes back what is noted of a limit, and the ids that nothing counts for any more. */
void scratch_limit_leave(struct volume *volume, int named_dir);

/* Copies the words of a class root's limit. -ENODATA: it has none. */
int scratch_limit_words(const struct inode *class_root, char words[AREA_WORDS_MAX]);

/* Finds the project that a directory hands on; 0: none. Returns 0 or a negative errno. */
int scratch_limit_project(const struct inode *directory, uint32_t *id);

/* Returns whether what is in one scratch directory, or one file there, counts for another project
 * than what is in the other directory. */
bool scratch_limit_separates(const struct inode *one, const struct inode *other);

#endif
