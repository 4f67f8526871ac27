// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/classes.h"

#include "lib/area/area.h"

/* Classes that are not served yet; their words are reserved. */
static const struct class ATOMIC = { .word = SHMAP_ATOMIC, .area = AREA_STORE, .lasts = true };
static const struct class CHECKPOINT = { .word = SHMAP_CHECKPOINT,
                                         .area = AREA_STORE,
                                         .lasts = true };

const struct class *const CLASSES[SHMAP_CLASSES] = {
    [SHMAP_PERSIST] = &CLASS_PERSIST, [SHMAP_ANON] = &CLASS_ANON,       [SHMAP_ATOMIC] = &ATOMIC,
    [SHMAP_CHECKPOINT] = &CHECKPOINT, [SHMAP_SCRATCH] = &CLASS_SCRATCH,
};
