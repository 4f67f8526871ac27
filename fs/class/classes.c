// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/classes.h"

const struct class *const CLASSES[CLASSES_ALL] = {
    [SHMAP_PERSIST] = &CLASS_PERSIST, [SHMAP_ANON] = &CLASS_ANON,
    [SHMAP_ATOMIC] = &CLASS_ATOMIC,   [SHMAP_CHECKPOINT] = &CLASS_CHECKPOINT,
    [SHMAP_SCRATCH] = &CLASS_SCRATCH, [CLASS_ANON_FILE] = &CLASS_ANON_OF_FILE,
};
