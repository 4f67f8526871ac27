// SPDX-License-Identifier: BSD-2-Clause
/*
 * Class roots: directories at which the class changes.
 *
 * In the store an anonymous class root is an empty directory that is marked (class_mark.h), so that
 * the layout survives while the contents do not. Its contents live below a directory of the RAM
 * area. That is made when the class root is first met, and named after the store directory's
 * identity, so that a rename of the class root does not touch it. It has the owner, mode, ACLs and
 * other attributes of the store directory, because in the RAM area the kernel inherits from them.
 * A class root that keeps its skeleton is not empty in the store (skeleton.h).
 */
#ifndef SHMAP_CLASS_ROOT_H
#define SHMAP_CLASS_ROOT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/area/area.h"
#include "lib/class/class_mark.h"
#include "lib/class/skeleton.h"

/* Opens (O_PATH) the RAM directory behind an anonymous class root, and makes it if need be, with
 * the skeleton that is kept of it; `how` may be NULL. `store_dir` is the
 * directory in the store, `stx` its attributes. The caller keeps two threads from doing it at once.
 * Returns a descriptor or a negative errno. */
int class_root_open(const struct area *ram, int store_dir, const struct statx *stx,
                    struct skeleton_return *how);

/* Returns whether an anonymous class root has its RAM directory already. */
bool class_root_was_met(const struct area *ram, const struct statx *stx);

/* Finds, for the path of a directory in the RAM area, the identity of the class root that it is of,
 * and the rest of the path. -EINVAL: it is of none. */
int class_root_of_path(const char *path, uint64_t *ino, uint64_t *birth, const char **below);

/* Removes the RAM directory. Returns 0 also if it was never there, or a negative errno; -ENOTEMPTY:
 * it has entries. */
int class_root_remove(const struct area *ram, const struct statx *stx);

/* Returns 1 if a directory (O_PATH will do) has no entries, 0 if it has, or a negative errno. */
int class_root_is_empty(int dir);

/* Checks that `path` below the store is, or could be made, the root of a class: an empty directory,
 * if its contents do not last. Changes nothing. Returns 0 or a negative errno after a complaint. */
int class_root_check(const struct area *store, enum shmap_class class, const char *path,
                     struct complaint *complaint);

/* Makes it one, with the mode and the owner that top directories have and the directories on the
 * way, unless it is one. Returns 0 or a negative errno after a complaint. */
int class_root_prepare(const struct area *store, enum shmap_class class, const char *path,
                       const struct ram_options *top, struct complaint *complaint);

#endif
