// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/area_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies a value that fits. */
static int copy_value(char *to, size_t room, const char *value)
{
    return strlcpy(to, value, room) < room ? 0 : -EINVAL;
}

static int add_size(struct area_words *words, const char *value)
{
    uint64_t bytes;
    int error = ram_parse_size(value, &bytes);

    return error ? error : copy_value(words->size, sizeof(words->size), value);
}

static int parse_inodes(const char *value, uint64_t *inodes)
{
    return strchr(value, '%') ? -EINVAL : shmap_size_parse(value, 0, inodes);
}

static int add_inodes(struct area_words *words, const char *value)
{
    uint64_t inodes;
    int error = parse_inodes(value, &inodes);

    return error ? error : copy_value(words->inodes, sizeof(words->inodes), value);
}

static int add_huge(struct area_words *words, const char *value)
{
    for (size_t i = 0; i < RAM_HUGE_WORD_COUNT; i++) {
        if (strcmp(value, RAM_HUGE_WORDS[i]) == 0) {
            words->huge = RAM_HUGE_WORDS[i];
            return 0;
        }
    }
    return -EINVAL;
}

/* The kernel alone knows its nodes; here it is only made sure that it is one word. */
static int add_policy(struct area_words *words, const char *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789:=-_";

    if (*value == '\0' || value[strspn(value, allowed)] != '\0')
        return -EINVAL;
    return copy_value(words->policy, sizeof(words->policy), value);
}

static const struct word {
    const char *name;
    int (*add)(struct area_words *words, const char *value); // NULL: it takes no value
} WORDS[] = {
    { "size", add_size },   { "nr_inodes", add_inodes }, { "huge", add_huge },
    { "mpol", add_policy }, { "noswap", NULL },
};
#define WORD_COUNT (sizeof(WORDS) / sizeof(WORDS[0]))

static const struct word *find_word(const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    size_t name = equals ? (size_t)(equals - text) : length;

    for (size_t i = 0; i < WORD_COUNT; i++) {
        if (strlen(WORDS[i].name) == name && memcmp(WORDS[i].name, text, name) == 0)
            return !equals == !WORDS[i].add ? &WORDS[i] : NULL;
    }
    return NULL;
}

bool area_words_has(const char *word, size_t length)
{
    return find_word(word, length) != NULL;
}

int area_words_add(struct area_words *words, const char *text)
{
    const struct word *word = find_word(text, strlen(text));

    if (!word)
        return -EINVAL;
    if (word->add)
        return word->add(words, strchr(text, '=') + 1);
    words->noswap = true;
    return 0;
}

int area_words_parse(const char *text, struct area_words *words)
{
    char copy[AREA_WORDS_MAX];
    char *rest = copy;
    char *word;
    int error = strlcpy(copy, text, sizeof(copy)) < sizeof(copy) ? 0 : -EINVAL;

    *words = (struct area_words){ .noswap = false };
    while (!error && (word = strsep(&rest, ",")))
        error = area_words_add(words, word);
    return error;
}

void area_words_merge(struct area_words *words, const struct area_words *changes)
{
    if (*changes->size)
        strlcpy(words->size, changes->size, sizeof(words->size));
    if (*changes->inodes)
        strlcpy(words->inodes, changes->inodes, sizeof(words->inodes));
    if (*changes->policy)
        strlcpy(words->policy, changes->policy, sizeof(words->policy));
    if (changes->huge)
        words->huge = changes->huge;
    words->noswap |= changes->noswap;
}

int area_words_print(const struct area_words *words, char text[AREA_WORDS_MAX])
{
    const struct {
        const char *name;
        const char *value;
    } values[] = {
        { "size", words->size },
        { "nr_inodes", words->inodes },
        { "huge", words->huge ? words->huge : "" },
        { "mpol", words->policy },
    };
    size_t length = 0;

    *text = '\0';
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (*values[i].value && length < AREA_WORDS_MAX)
            length += (size_t)snprintf(text + length, AREA_WORDS_MAX - length, "%s%s=%s",
                                       length ? "," : "", values[i].name, values[i].value);
    }
    if (words->noswap && length < AREA_WORDS_MAX)
        length +=
            (size_t)snprintf(text + length, AREA_WORDS_MAX - length, "%snoswap", length ? "," : "");
    return length < AREA_WORDS_MAX ? 0 : -ERANGE;
}

/* Makes tmpfs' further word for NUMA nodes, for free(); NULL: there is none. */
static int print_policy(const struct area_words *words, char **text)
{
    *text = NULL;
    if (*words->policy && asprintf(text, "mpol=%s", words->policy) < 0)
        *text = NULL;
    return *words->policy && !*text ? -ENOMEM : 0;
}

int area_words_options(const struct area_words *words, struct ram_options *options)
{
    int error = *words->size ? ram_parse_size(words->size, &options->size) : -EINVAL;

    if (!error && *words->inodes)
        error = parse_inodes(words->inodes, &options->inodes);
    if (words->huge)
        options->huge = words->huge;
    options->noswap |= words->noswap;
    return error ? error : print_policy(words, &options->parameters);
}

int area_words_changes(const struct area_words *words, struct ram_changes *changes, char **policy)
{
    int error = *words->size ? ram_parse_size(words->size, &changes->size) : 0;

    *policy = NULL;
    if (!error && *words->inodes)
        error = parse_inodes(words->inodes, &changes->inodes);
    if (!error)
        error = print_policy(words, policy);
    changes->huge = words->huge;
    changes->words = *policy;
    return error;
}
