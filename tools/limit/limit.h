// SPDX-License-Identifier: BSD-2-Clause
/* The RAM area, or the limit of a scratch directory, that a command gives a directory for itself.
 */
#ifndef SHMAPCTL_LIMIT_H
#define SHMAPCTL_LIMIT_H

#include "lib/api/shmap.h"

/* The words that a limit can be made of; in the order in which it is written. */
enum limit_word { LIMIT_SIZE, LIMIT_INODES, LIMIT_HUGE, LIMIT_POLICY, LIMIT_NOSWAP, LIMIT_WORDS };

struct limit {
    char words[1024]; // for shmap_area_set(); empty: nothing of it was asked for
    const char *size; // as it was given; NULL: it was not
};

/* Reads the values that were given, NULL for those that were not. Returns EXIT_SUCCESS, or
 * EXIT_USAGE after a line. */
int limit_of(const char *const given[LIMIT_WORDS], struct limit *limit);

/* Finds a mistake in a size that was given, so that EINVAL has one meaning less. Returns
 * EXIT_SUCCESS, or EXIT_USAGE after a line. */
int limit_check_size(const char *size);

/* Prints why a directory does not get it: one that is of a class, or is to be. Returns
 * EXIT_FAILURE. */
int fail_limit(const char *path, enum shmap_class class, const struct limit *limit, int error);

#endif
