// SPDX-License-Identifier: BSD-2-Clause
/*
 * The project ids that a store's scratch directories have: files in .shmapfs/projects with the id
 * as their name. An id is the store's from the moment that its file is there, and is free again
 * when nothing counts for it; so nobody has to say when that is.
 */
#ifndef SHMAP_PROJECT_IDS_H
#define SHMAP_PROJECT_IDS_H

#include "lib/area/store_lock.h"

/* Opens the directory of the ids of a store, and waits until nobody else has it open. Returns a
 * descriptor or a negative errno; -ENOENT: there is none, and it is not to be made. */
int project_ids_open(const struct area *store, bool make);

/* Returns whether an id is one of them. */
bool project_ids_have(int ids, uint32_t id);

/* Takes an id that nothing counts for: one of them, or one that the filesystem has no limits for,
 * either. It stays taken if something counts for it before the directory is closed. Returns 0 or a
 * negative errno. */
int project_ids_take(int ids, uint32_t *id);

/* Takes away the limits of all of them that nothing counts for, and they are any other's. */
void project_ids_release(int ids);

#endif
