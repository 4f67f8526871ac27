// SPDX-License-Identifier: BSD-2-Clause
/*
 * The lifetime of a file in a RAM area, as the attribute SHMAP_XATTR_LIFETIME of the file itself.
 * Without the attribute a file lives as long as the mount. A directory has it for what is created
 * in it later, and a class root also in the store, for the mounts to come.
 */
#ifndef SHMAP_LIFETIME_H
#define SHMAP_LIFETIME_H

#include "lib/api/shmap.h"

/* Returns the lifetime of what a descriptor (O_PATH will do) stands for. */
struct shmap_lifetime lifetime_get(int fd);

/* Gives it a lifetime. Returns 0 or a negative errno; -EOPNOTSUPP: it cannot have attributes. */
int lifetime_set(int fd, const struct shmap_lifetime *lifetime);

#endif
