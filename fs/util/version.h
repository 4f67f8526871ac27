// SPDX-License-Identifier: BSD-2-Clause
/* The version of the binary, and of the layout of its shared memory. */
#ifndef SHMAPFS_VERSION_H
#define SHMAPFS_VERSION_H

#include <stdint.h>

const char *version_text(void);

/* Returns the version of the layout of struct state. */
uint32_t version_of_state(void);

#endif
