// SPDX-License-Identifier: BSD-2-Clause
#ifndef SHMAPFS_CLASSES_H
#define SHMAPFS_CLASSES_H

#include "fs/inode/class.h"

extern const struct class CLASS_PERSIST;
extern const struct class CLASS_ANON;
extern const struct class CLASS_SCRATCH;
extern const struct class CLASS_ATOMIC;
extern const struct class CLASS_CHECKPOINT;
extern const struct class CLASS_ANON_OF_FILE;

/* Returns whether a directory has a class of its own whose contents are where its name is. */
bool store_class_begins(const struct inode *directory);

/* Returns the class that a directory has without one of its own. */
enum shmap_class store_class_above(const struct inode *directory);

/* All classes, by their words. */
extern const struct class *const CLASSES[CLASSES_ALL];

#endif
