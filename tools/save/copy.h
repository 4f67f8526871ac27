// SPDX-License-Identifier: BSD-2-Clause
/* A copy of a file that others may write meanwhile, in a place that gets it whole. */
#ifndef SHMAPCTL_COPY_H
#define SHMAPCTL_COPY_H

#include <stdbool.h>

/* Makes it, and says what it is. Returns the exit status. */
int copy_save(const char *file, const char *destination, bool json);

#endif
