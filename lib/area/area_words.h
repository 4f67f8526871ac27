// SPDX-License-Identifier: BSD-2-Clause
/*
 * The properties of a RAM area, in words of tmpfs with a comma between: size=, nr_inodes=, huge=,
 * noswap and mpol=. A directory keeps them so, and a program asks for them so.
 */
#ifndef SHMAP_AREA_WORDS_H
#define SHMAP_AREA_WORDS_H

#include "lib/area/area.h"

#define AREA_WORDS_MAX SHMAP_AREA_WORDS_MAX

struct area_words {
    char size[24];    // as it was given; each may be empty
    char inodes[24];  // likewise
    char policy[96];  // of NUMA nodes
    const char *huge; // NULL: none was given
    bool noswap;
};

/* Returns whether a text is one of the words, or begins one of them with its value. */
bool area_words_has(const char *word, size_t length);

/* Reads one word, which replaces what was there. Returns 0 or a negative errno; -EINVAL: it is
 * none, or malformed; -ERANGE: its value is out of range. */
int area_words_add(struct area_words *words, const char *text);

/* Reads words with a comma between. Returns 0 or a negative errno as area_words_add() does;
 * -EINVAL also for none at all. */
int area_words_parse(const char *text, struct area_words *words);

/* Puts words in the place of earlier ones of the same name. */
void area_words_merge(struct area_words *words, const struct area_words *changes);

/* Writes words as area_words_parse() reads them. -ERANGE: there is no room for them. */
int area_words_print(const struct area_words *words, char text[AREA_WORDS_MAX]);

/* Fill in how an area is made, apart from what the words leave open, with `parameters` for free();
 * and how one in use is changed, apart from noswap, with `policy` for free(). Return 0 or a
 * negative errno; -EINVAL: an area to be made has no size. */
int area_words_options(const struct area_words *words, struct ram_options *options);
int area_words_changes(const struct area_words *words, struct ram_changes *changes, char **policy);

#endif
