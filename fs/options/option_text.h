// SPDX-License-Identifier: BSD-2-Clause
/* Options as -o takes them, for the status of the mount. */
#ifndef SHMAPFS_OPTION_TEXT_H
#define SHMAPFS_OPTION_TEXT_H

#include <stddef.h>

#include "fs/options/options.h"

/* Writes those options that are in force and that no other part of a mount's state tells. */
void option_text(const struct options *options, char *text, size_t size);

#endif
