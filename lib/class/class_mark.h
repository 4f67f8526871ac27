// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mark of a class root: the attribute SHMAP_XATTR_CLASS_ROOT of a directory in the store. In
 * stores of earlier versions it is SHMAP_XATTR_CLASS. A mount answers that one by itself, for each
 * of its own directories, and a store may be on another mount; so there it is a mark only if the
 * directory lists it.
 */
#ifndef SHMAP_CLASS_MARK_H
#define SHMAP_CLASS_MARK_H

#include <stdbool.h>

#include "lib/area/area.h"

/* Reads a class from an attribute of a file or directory. Returns 0 or a negative errno; -ENODATA:
 * there is none that could be read; -EIO: the word is not a class. */
int class_mark_read(int fd, const char *name, enum shmap_class *class);

/* Reads the class that a store directory (O_PATH will do) was given. Returns 0 or a negative errno;
 * -ENODATA: it has none of its own; -EIO: the word is not a class, and not from shmapfs. */
int class_root_class(int dir, enum shmap_class *class);

/* Gives it a class, or takes it away. Return 0 or a negative errno. */
int class_root_mark(int dir, enum shmap_class class);
int class_root_unmark(int dir);

/* Returns whether a directory is on another mount, which answers for its class. */
bool class_mark_is_answered(int dir);

/* Checks that a store is no directory of a class that does not last: neither in the RAM of another
 * mount nor a class root of another store. Returns 0 or a negative errno after a complaint. */
int class_root_check_store(const struct area *store, const char *path, struct complaint *complaint);

#endif
