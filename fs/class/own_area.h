// SPDX-License-Identifier: BSD-2-Clause
/*
 * RAM areas that class roots have for themselves: each a tmpfs with a limit of its own, made when
 * its class root is met and kept by words in the store (lib/class/area_mark.h).
 *
 * An area whose class root has gone is left: files without a name may still be in it. It is closed
 * when another one takes its place, which is not before all places are taken, and when no node of
 * it is left. Then nobody can come to it any more: what is mapped is the kernel's.
 *
 * volume->class_roots is held, unless noted otherwise.
 */
#ifndef SHMAPFS_OWN_AREA_H
#define SHMAPFS_OWN_AREA_H

#include "fs/inode/inode.h"
#include "lib/area/area_words.h"

/* Finds the area of a class root's contents, which are the mount's own unless the store has words
 * for another one; makes that when the class root is met. Returns its index, or a negative errno
 * after a line in the log; -EUSERS: the mount has as many areas as it can have. */
int own_area_enter(struct volume *volume, int named_dir, const struct statx *stx);

/* Returns whether a class root has an area for itself. Takes no lock that waits for a disk, and
 * needs none. */
bool own_area_is_there(struct volume *volume, const struct statx *stx);

/* Makes one for a directory, whose contents it does not have yet, and notes it in the store.
 * Returns its index or a negative errno; -EINVAL: the words have no size; -EUSERS as above;
 * -EOPNOTSUPP: the kernel does not have it, which a line in the log explains. */
int own_area_make(struct volume *volume, int named_dir, const struct statx *stx,
                  const struct area_words *words);

/* Changes one in use, and what the store has of it. Returns 0 or a negative errno; -EBUSY: what is
 * in use does not allow it; -EOPNOTSUPP: the kernel does not have it. */
int own_area_change(struct volume *volume, unsigned area, const struct area_words *words);

/* Leaves the area of a directory that is no class root any more, or gets other contents; nothing if
 * it has none. The words in the store go, too. */
void own_area_leave(struct volume *volume, int named_dir, const struct statx *stx);

/* Copies the words that are in force for an area. Takes no lock that waits for a disk, and needs
 * none. */
void own_area_words(struct volume *volume, unsigned area, char words[AREA_WORDS_MAX]);

#endif
