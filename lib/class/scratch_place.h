// SPDX-License-Identifier: BSD-2-Clause
/*
 * The place of a store where the contents of its scratch directories are: a directory for each
 * class root, named and made as in a RAM area (class_root.h), below one that no mount shows.
 *
 * Nothing in it outlives a mount. The next one, and the end of this one, give the place another
 * name, which takes no time, and remove what is there then. The remains of a
 * crash are found by that name.
 */
#ifndef SHMAP_SCRATCH_PLACE_H
#define SHMAP_SCRATCH_PLACE_H

#include <stdbool.h>

#include "lib/area/area.h"
#include "lib/area/store_lock.h"

/* The place, below the store's root. */
#define SCRATCH_PLACE STORE_PRIVATE "/scratch"

/* Places that were set aside have such a name beside it, with a number behind. */
#define SCRATCH_ASIDE "scratch."

/* Open the place (O_PATH); the second makes it if need be. Return a descriptor or a negative errno;
 * -EPERM: what has its name is another user's. */
int scratch_find(const struct area *store);
int scratch_open(const struct area *store);

/* Gives the place another name, under the store's lock. Returns 0, also if there is none, or a
 * negative errno. */
int scratch_set_aside(const struct area *store);

/* Removes what was set aside, for so many seconds at most (0: as long as it takes). A place that
 * another process is removing is left to that one. `directory` is the store's private directory.
 * Returns whether nothing is left that could be removed. */
bool scratch_remove(int directory, unsigned seconds);

/* Returns whether anything was set aside. */
bool scratch_was_set_aside(int directory);

#endif
