// SPDX-License-Identifier: BSD-2-Clause
/* What tells one binary from the next. */
#ifndef SHMAPFS_VERSION_H
#define SHMAPFS_VERSION_H

#include <stdint.h>

const char *version_text(void);

/* The version of the layout of struct state. */
uint32_t version_of_state(void);

#endif
