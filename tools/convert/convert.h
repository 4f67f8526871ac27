// SPDX-License-Identifier: BSD-2-Clause
/* Another class for a directory that has entries. */
#ifndef SHMAPCTL_CONVERT_H
#define SHMAPCTL_CONVERT_H

#include "lib/api/shmap.h"

/* Copies a directory to a new one of that class beside it, verifies the copy, lets the two change
 * their names, and removes the old one. Wherever it ends, or is killed, the directory's name leads
 * to all that was in it, as it was or as a copy. Returns the exit status, after a line where that
 * is none of success. */
int convert_directory(const char *path, enum shmap_class class);

#endif
