// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/anon_list.h"

#include <errno.h>
#include <string.h>

#define POLICY "mpol="

/* Returns the length of the part that a text begins with. */
static size_t part_length(const char *text)
{
    size_t length = strcspn(text, ":");
    size_t nodes;

    if (strncmp(text, POLICY, strlen(POLICY)) != 0 || text[length] != ':')
        return length;
    // The nodes of a policy are no name.
    nodes = strspn(text + length + 1, "0123456789-");
    if (nodes > 0 && (text[length + 1 + nodes] == ':' || text[length + 1 + nodes] == '\0'))
        length += 1 + nodes;
    return length;
}

/* Returns whether a part is a word. No value of one has a slash. */
static bool is_word(const char *text, size_t length)
{
    return area_words_has(text, length) && !memchr(text, '/', length);
}

static void move_on(const char **text, size_t length)
{
    *text = (*text)[length] == ':' ? *text + length + 1 : NULL;
}

static int add_word(struct anon_item *item, const char *text, size_t length)
{
    char word[AREA_WORDS_MAX];

    item->has_words = true;
    item->wrong = text;
    item->wrong_length = length;
    if (length >= sizeof(word))
        return -EINVAL;
    memcpy(word, text, length);
    word[length] = '\0';
    return area_words_add(&item->words, word);
}

int anon_list_next(const char **text, struct anon_item *item)
{
    int error = 0;

    *item = (struct anon_item){ .path = *text };
    if (!*text)
        return 0;
    item->path_length = part_length(*text);
    if (is_word(*text, item->path_length)) {
        item->wrong = item->path;
        item->wrong_length = item->path_length;
        return -EINVAL;
    }
    move_on(text, item->path_length);
    while (!error && *text && is_word(*text, part_length(*text))) {
        size_t length = part_length(*text);

        error = add_word(item, *text, length);
        move_on(text, length);
    }
    if (!error && item->has_words && !*item->words.size)
        error = -ENODATA;
    return error ? error : 1;
}
