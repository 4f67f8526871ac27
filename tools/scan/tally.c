// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/tally.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ui/array.h"

static bool keeps_file(const struct file_use *use)
{
    if (use->kind == USE_OPEN)
        return strcmp(use->access, "path") != 0;
    return use->kind == USE_MAPPED || use->kind == USE_EXECUTING;
}

static void tally_user(struct tally *tally, const struct user *user)
{
    struct tally_entry *entry = NULL;

    qsort(user->uses, user->count, sizeof(*user->uses), array_compare);
    for (size_t i = 0; i < user->count; i++) {
        const struct file_use *use = &user->uses[i];

        if (!entry || entry->inode != use->inode) {
            tally->all = array_grow(tally->all, tally->count, sizeof(*tally->all));
            entry = &tally->all[tally->count++];
            *entry = (struct tally_entry){ .inode = use->inode, .user = user };
        }
        entry->keeps |= keeps_file(use);
    }
}

static int compare_entries(const void *first, const void *second)
{
    const struct tally_entry *a = first, *b = second;

    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    return (a->user > b->user) - (a->user < b->user);
}

struct tally tally_users(const struct users *users)
{
    struct tally tally = { 0 };

    for (size_t i = 0; i < users->count; i++)
        tally_user(&tally, &users->all[i]);
    if (tally.count > 0)
        qsort(tally.all, tally.count, sizeof(*tally.all), compare_entries);
    return tally;
}

void tally_free(struct tally *tally)
{
    free(tally->all);
}

/* Returns how many entries are of files with a smaller number. */
static size_t count_below(const struct tally *tally, uint64_t inode)
{
    size_t low = 0, high = tally->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tally->all[middle].inode < inode)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct tally_entry *tally_find(const struct tally *tally, uint64_t inode, size_t *count)
{
    size_t first = count_below(tally, inode);

    *count = count_below(tally, inode + 1) - first;
    return tally->all + first;
}
