// SPDX-License-Identifier: BSD-2-Clause
/*
 * The words that a class root keeps in the store when it has a RAM area for itself
 * (lib/area/area_words.h).
 *
 * They let it take RAM beyond the limit of the mount. So a mount of root, which serves others,
 * believes only an attribute that nobody but root can set; a user's own mount has no such
 * attribute, and nobody to protect from.
 */
#ifndef SHMAP_AREA_MARK_H
#define SHMAP_AREA_MARK_H

#include <stdbool.h>

#include "lib/area/area_words.h"

/* Reads the words of a directory (O_PATH will do). Returns 0 or a negative errno; -ENODATA: it has
 * none; -EIO: they are too long, and so not from shmapfs. */
int area_mark_get(int store_dir, bool privileged, char words[AREA_WORDS_MAX]);

/* Set and remove them; to remove what is not there is no error. Return 0 or a negative errno. */
int area_mark_set(int store_dir, bool privileged, const char *words);
int area_mark_set_words(int store_dir, bool privileged, const struct area_words *words);
int area_mark_remove(int store_dir, bool privileged);

#endif
