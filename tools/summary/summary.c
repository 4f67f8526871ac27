// SPDX-License-Identifier: BSD-2-Clause
#include "tools/summary/summary.h"

#include <err.h>
#include <errno.h>
#include <fts.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/ui/output.h"

#define BLOCK 512 // bytes, of st_blocks

/* Files with several names that were met, by their inode numbers. */
struct walk {
    struct summary *summary;
    void *met;    // of tsearch(3)
    size_t start; // how much of each path is where the walk began
    int status;
};

static int compare_numbers(const void *one, const void *other)
{
    const ino_t *a = one, *b = other;

    return (*a > *b) - (*a < *b);
}

/* Returns whether a file was met by another name. */
static bool was_met(struct walk *walk, const struct stat *st)
{
    ino_t *number, **found;

    if (st->st_nlink < 2)
        return false;
    number = malloc(sizeof(*number));
    if (!number)
        err(EXIT_FAILURE, NULL);
    *number = st->st_ino;
    found = tsearch(number, &walk->met, compare_numbers);
    if (!found)
        err(EXIT_FAILURE, NULL);
    if (*found == number)
        return false;
    free(number);
    return true;
}

void summary_take(struct summary *summary, const char *path, uint64_t size, uint64_t allocated,
                  enum shmap_class class)
{
    size_t at = summary->count;

    while (at > 0 && summary->largest[at - 1].size < size)
        at--;
    if (at == summary->most)
        return;
    if (summary->count == summary->most)
        free(summary->largest[--summary->count].path);
    memmove(&summary->largest[at + 1], &summary->largest[at],
            (summary->count - at) * sizeof(*summary->largest));
    summary->count++;
    summary->largest[at] = (struct large_file){ strdup(path), size, allocated, class };
    if (!summary->largest[at].path)
        err(EXIT_FAILURE, NULL);
}

static void add_amount(struct amount_of *amount, bool met, uint64_t size, uint64_t allocated)
{
    amount->files++;
    if (met)
        return;
    amount->size += size;
    amount->allocated += allocated;
}

static void add_file(struct walk *walk, const FTSENT *entry)
{
    struct summary *summary = walk->summary;
    // All that is in a directory has its class.
    enum shmap_class class = (enum shmap_class)entry->fts_parent->fts_number;
    uint64_t size = (uint64_t)entry->fts_statp->st_size;
    uint64_t allocated = (uint64_t)entry->fts_statp->st_blocks * BLOCK;
    bool met = was_met(walk, entry->fts_statp);

    add_amount(&summary->total, met, size, allocated);
    if (summary->has_classes)
        add_amount(&summary->classes[class], met, size, allocated);
    if (!met)
        summary_take(summary, entry->fts_path + walk->start, size, allocated, class);
}

static void enter(struct walk *walk, FTSENT *entry)
{
    enum shmap_class class = SHMAP_PERSIST;

    if (walk->summary->has_classes && shmap_class_get(entry->fts_accpath, &class) != 0)
        class = (enum shmap_class)entry->fts_parent->fts_number;
    entry->fts_number = (long)class;
    if (entry->fts_level > FTS_ROOTLEVEL)
        walk->summary->directories++;
}

static void visit(struct walk *walk, FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_D:
        enter(walk, entry);
        break;
    case FTS_DP:
        break;
    case FTS_F:
        add_file(walk, entry);
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        // An entry that was there a moment ago is gone.
        if (entry->fts_errno != ENOENT)
            walk->status = fail(entry->fts_path, "%s", strerror(entry->fts_errno));
        break;
    default:
        walk->summary->others++;
        break;
    }
}

static int walk_tree(struct walk *walk, char *path)
{
    char *const paths[] = { path, NULL };
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_XDEV, NULL);

    if (!tree)
        return fail(path, "%s", strerror(errno));
    for (FTSENT *entry; (entry = fts_read(tree));)
        visit(walk, entry);
    if (errno)
        walk->status = fail(path, "%s", strerror(errno));
    fts_close(tree);
    return walk->status;
}

int summary_make(const char *path, size_t largest, struct summary *summary)
{
    struct walk walk = { .summary = summary };
    enum shmap_class class;
    char *root = strdup(path);

    *summary = (struct summary){
        .has_classes = shmap_class_get(path, &class) == 0,
        .largest = calloc(largest + 1, sizeof(*summary->largest)),
        .most = largest,
    };
    if (!root || !summary->largest)
        err(EXIT_FAILURE, NULL);
    // fts(3) leaves one slash at the end of what it is given.
    for (size_t length = strlen(root); length > 1 && root[length - 1] == '/'; length--)
        root[length - 1] = '\0';
    walk.start = strcmp(root, "/") == 0 ? 1 : strlen(root) + 1;
    walk_tree(&walk, root);
    tdestroy(walk.met, free);
    free(root);
    return walk.status;
}

void summary_free(struct summary *summary)
{
    for (size_t i = 0; i < summary->count; i++)
        free(summary->largest[i].path);
    free(summary->largest);
}
