// SPDX-License-Identifier: BSD-2-Clause
/*
 * A snapshot can be mounted as a STORE: directories and files have their classes there, as marks of
 * the kind that a store has.
 */
#ifndef SHMAPCTL_CLASS_MARKS_H
#define SHMAPCTL_CLASS_MARKS_H

#include "tools/snapshot/inventory.h"

/* Marks the copy of a directory with its class, if one begins there, and with when its files are
 * committed. `original` is a descriptor of the mount's (O_PATH will do). Returns 0 or a negative
 * errno. */
int class_marks_of_directory(const struct inventory *inventory, size_t index, int original,
                             int copy);

/* Marks the copy of a file, if its class is not its directory's, and then the snapshot's root, too.
 * Likewise. */
int class_marks_of_file(enum shmap_class class, enum shmap_class above, int copy, int root);

#endif
