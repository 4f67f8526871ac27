// SPDX-License-Identifier: BSD-2-Clause
/* The words for the classes. */
#include <errno.h>
#include <string.h>

#include "lib/api/shmap.h"

static const char *const CLASS_NAMES[SHMAP_CLASSES] = {
    [SHMAP_PERSIST] = "persist",       [SHMAP_ANON] = "anon",       [SHMAP_ATOMIC] = "atomic",
    [SHMAP_CHECKPOINT] = "checkpoint", [SHMAP_SCRATCH] = "scratch",
};

const char *shmap_class_name(enum shmap_class which)
{
    return (unsigned)which < SHMAP_CLASSES ? CLASS_NAMES[which] : "unknown";
}

int shmap_class_parse(const char *word, size_t length, enum shmap_class *which)
{
    for (size_t i = 0; i < SHMAP_CLASSES; i++) {
        if (strlen(CLASS_NAMES[i]) == length && memcmp(CLASS_NAMES[i], word, length) == 0) {
            *which = (enum shmap_class)i;
            return 0;
        }
    }
    return -EINVAL;
}
