// SPDX-License-Identifier: BSD-2-Clause
#ifndef SHMAPFS_CLASSES_H
#define SHMAPFS_CLASSES_H

#include "fs/inode/class.h"

extern const struct class CLASS_PERSIST;
extern const struct class CLASS_ANON;
extern const struct class CLASS_SCRATCH;

/* All classes, by their words. */
extern const struct class *const CLASSES[SHMAP_CLASSES];

#endif
