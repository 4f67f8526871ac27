// SPDX-License-Identifier: BSD-2-Clause
/*
 * Class roots: directories at which the class changes.
 *
 * In the store an anonymous class root is an empty directory that carries the attribute
 * SHMAP_XATTR_CLASS, so that the layout survives while the contents do not. Its contents live below
 * a directory of the RAM area, which is made when the class root is first met and named after the
 * store directory's identity: a rename of the class root does not touch it. It repeats the owner,
 * mode, ACLs and other attributes of the store directory, because the RAM area's own kernel code
 * must inherit from them.
 */
#ifndef SHMAP_CLASSROOT_H
#define SHMAP_CLASSROOT_H

#include <stdbool.h>
#include <sys/stat.h>

#include "lib/area/area.h"

/* The class that a store directory (O_PATH will do) was given.
 * -ENODATA: none of its own; -EIO: a word that nobody knows, from another hand than ours. */
int class_root_class(int dir, enum shmap_class *class);

/* Gives it a class, or takes it away. */
int class_root_mark(int dir, enum shmap_class class);
int class_root_unmark(int dir);

/* Opens (O_PATH) the RAM directory behind an anonymous class root, which `store_dir` and its
 * attributes `stx` name; makes it if need be. The caller keeps two threads from doing it at once.
 * Returns a descriptor or a negative errno. */
int class_root_open(const struct area *ram, int store_dir, const struct statx *stx);

/* Removes the RAM directory. 0: gone, or never there; -ENOTEMPTY. */
int class_root_remove(const struct area *ram, const struct statx *stx);

/* Whether a directory (O_PATH will do) has no entries. Negative errno: cannot be told. */
int class_root_is_empty(int dir);

/* Whether `path` below the store is, or could be made, an anonymous class root. Changes nothing. */
int class_root_check(const struct area *store, const char *path, struct complaint *complaint);

/* Makes it one, with the given mode and the directories on the way, unless it is one. */
int class_root_prepare(const struct area *store, const char *path, mode_t mode,
                      struct complaint *complaint);

#endif
