// SPDX-License-Identifier: BSD-2-Clause
#include "objects.h"

#include "array.h"
#include "command.h"

#include <errno.h>
#include <fts.h>
#include <string.h>

#define BLOCK 512 /* bytes, of st_blocks */

/* What is kept of a directory while its entries are looked at: its class, and whether a line has
 * been said of entries that cannot be reached. */
#define COMPLAINED (1 << 8)

struct walk {
    const char *path;
    const struct target *target;
    struct objects *objects;
    int status;
};

static bool is_here(const struct walk *walk, const FTSENT *entry)
{
    return entry->fts_statp->st_dev == walk->target->stat.st_dev;
}

/* Where the walk began it is the last name of the path; below, what comes after the path. */
static char *path_of(const struct walk *walk, const FTSENT *entry)
{
    const char *path = entry->fts_name;
    if (entry->fts_level != FTS_ROOTLEVEL) {
        path = entry->fts_path + strlen(walk->path);
        path += strspn(path, "/");
    }
    char *copy = strdup(path);
    if (copy == NULL)
        err(EXIT_FAILURE, NULL);
    return copy;
}

static int count_pages(const FTSENT *entry, struct shmap_pages *pages)
{
    /* An empty file has none, whoever asks. */
    if (entry->fts_statp->st_size == 0)
        return 0;
    if (entry->fts_level == FTS_ROOTLEVEL)
        return shmap_pages_get(entry->fts_accpath, pages);
    return shmap_pages_get_unchecked(entry->fts_accpath, pages);
}

static void add_object(struct walk *walk, const FTSENT *entry)
{
    const struct stat *stat = entry->fts_statp;
    struct object object = { .class = walk->target->class,
                             .inode = stat->st_ino,
                             .size = (uint64_t)stat->st_size,
                             .allocated = (uint64_t)stat->st_blocks * BLOCK };
    if (!is_here(walk, entry))
        return;
    /* A file has the class of the directory that it is in. */
    if (entry->fts_level != FTS_ROOTLEVEL)
        object.class = (enum shmap_class)(entry->fts_parent->fts_number & ~COMPLAINED);
    int error = count_pages(entry, &object.pages);
    if (error == -ENOENT)
        return;
    object.counted = error == 0;
    object.path = path_of(walk, entry);
    struct objects *objects = walk->objects;
    objects->all = array_grow(objects->all, objects->count, sizeof(*objects->all));
    objects->all[objects->count++] = object;
}

static void complain(struct walk *walk, const FTSENT *entry)
{
    if (entry->fts_errno == ENOENT)
        return;
    walk->status = fail(entry->fts_path, "%s", strerror(entry->fts_errno));
}

/* What is true of an entry that cannot be reached is true of the others in its directory. */
static void complain_once(struct walk *walk, const FTSENT *entry)
{
    if (entry->fts_parent->fts_number & COMPLAINED)
        return;
    entry->fts_parent->fts_number |= COMPLAINED;
    complain(walk, entry);
}

static void enter(struct walk *walk, FTSENT *entry)
{
    enum shmap_class class = walk->target->class;
    if (entry->fts_level != FTS_ROOTLEVEL) {
        class = (enum shmap_class)(entry->fts_parent->fts_number & ~COMPLAINED);
        /* One that cannot be read is not gone into, either. */
        if (is_here(walk, entry))
            shmap_class_get(entry->fts_accpath, &class);
    }
    entry->fts_number = (long)class;
}

static void look_at(struct walk *walk, FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_D:
        enter(walk, entry);
        break;
    case FTS_F:
        add_object(walk, entry);
        break;
    case FTS_NS:
        complain_once(walk, entry);
        break;
    case FTS_DNR:
    case FTS_ERR:
        complain(walk, entry);
        break;
    case FTS_DP: /* a directory once more, which may turn out to be one that cannot be entered */
        if (entry->fts_errno != 0)
            complain(walk, entry);
        break;
    default: /* no object */
        break;
    }
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct object *)a)->path, ((const struct object *)b)->path);
}

int objects_find(const char *path, const struct target *target, struct objects *objects)
{
    struct walk walk = { path, target, objects, EXIT_SUCCESS };
    char *const starts[] = { (char *)(uintptr_t)path, NULL };
    FTSENT *entry;
    *objects = (struct objects){ 0 };
    FTS *tree = fts_open(starts, FTS_COMFOLLOW | FTS_PHYSICAL | FTS_XDEV, NULL);
    if (tree == NULL)
        return fail(path, "%s", strerror(errno));
    while ((entry = fts_read(tree)) != NULL)
        look_at(&walk, entry);
    if (errno != 0)
        walk.status = fail(path, "%s", strerror(errno));
    fts_close(tree);
    if (objects->count > 0)
        qsort(objects->all, objects->count, sizeof(*objects->all), by_path);
    return walk.status;
}

void objects_free(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        free(objects->all[i].path);
    free(objects->all);
}
