// SPDX-License-Identifier: BSD-2-Clause
/* The RAM area that a command gives a directory for itself. */
#ifndef SHMAPCTL_LIMIT_H
#define SHMAPCTL_LIMIT_H

#include "tools/cmd/command.h"

struct limit {
    char words[1024]; // for shmap_area_set(); empty: nothing of it was asked for
    const char *size; // as it was given; NULL: it was not
};

/* Reads what the options of a command ask for. Returns EXIT_SUCCESS, or EXIT_USAGE after a line. */
int limit_of(const struct invocation *invocation, struct limit *limit);

/* Finds a mistake in a size that was given, so that EINVAL has one meaning less. Returns
 * EXIT_SUCCESS, or EXIT_USAGE after a line. */
int limit_check_size(const char *size);

/* Prints why a directory does not get it. Returns EXIT_FAILURE. */
int fail_limit(const char *path, const struct limit *limit, int error);

#endif
