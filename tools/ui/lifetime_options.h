// SPDX-License-Identifier: BSD-2-Clause
/* The options by which commands are given a lifetime. */
#ifndef SHMAPCTL_LIFETIME_OPTIONS_H
#define SHMAPCTL_LIFETIME_OPTIONS_H

#include "lib/api/shmap.h"

/* Reads the values of --lifetime, which is given, and --linger (NULL: not given). Returns whether
 * they are a lifetime; otherwise prints one line on standard error, with the command's name. */
bool lifetime_options_read(const char *command, const char *when, const char *linger,
                           struct shmap_lifetime *lifetime);

/* Returns whether --linger was given without a lifetime that it could belong to, after a line. */
bool lifetime_options_lack(const char *command, const char *when, const char *linger);

#endif
