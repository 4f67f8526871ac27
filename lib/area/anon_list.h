// SPDX-License-Identifier: BSD-2-Clause
/*
 * The value of the option anon=: names of directories with a colon between, each of which may have
 * words behind it that say which RAM area it has for itself, as in `build:size=1g:noswap:cache`.
 *
 * A name that looks like such a word is told from it by a slash behind it. The NUMA nodes that a
 * policy is about, digits and hyphens, follow behind a colon of its own.
 */
#ifndef SHMAP_ANON_LIST_H
#define SHMAP_ANON_LIST_H

#include <stddef.h>

#include "lib/area/area_words.h"

struct anon_item {
    const char *path; // in the text
    size_t path_length;
    bool has_words;
    struct area_words words;
    const char *wrong; // likewise: the word that is no good, after an error
    size_t wrong_length;
};

/* Reads the next item of a text, which is moved on; the text is NULL after the last one. Returns 1;
 * 0 if there was none; or a negative errno; -EINVAL: a word stands behind no name, or is malformed;
 * -ERANGE: its value is out of range; -ENODATA: there are words (`wrong` is the last one), but no
 * size. */
int anon_list_next(const char **text, struct anon_item *item);

#endif
