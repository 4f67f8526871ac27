// SPDX-License-Identifier: BSD-2-Clause
/* The directories of scratch=, atomic= and checkpoint=, and the place of what is in the first, when
 * a mount begins. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fs/limit/scratch_limit.h"
#include "fs/mount/store_setup.h"
#include "fs/scratch/emptying.h"
#include "lib/area/anon_list.h"
#include "lib/class/area_mark.h"
#include "lib/class/class_root.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* Returns whether a directory is another one, or below it. */
static bool lies_in(const struct anon_item *inner, const struct anon_item *outer)
{
    return inner->path_length >= outer->path_length &&
           strncmp(outer->path, inner->path, outer->path_length) == 0 &&
           (inner->path_length == outer->path_length || inner->path[outer->path_length] == '/');
}

/* Returns whether a directory has to do with one of a list, itself aside. */
static bool meets_any(const struct anon_item *item, const char *list)
{
    struct anon_item other;

    while (anon_list_next(&list, &other) > 0) {
        if (other.path != item->path && (lies_in(item, &other) || lies_in(&other, item)))
            return true;
    }
    return false;
}

/* Checks that a directory can have the limit that stands behind it. */
static int check_limit(const struct mount *mount, const struct anon_item *item, const char *name,
                       struct complaint *complaint)
{
    int error = scratch_limit_check(&mount->volume, &item->words);

    if (error == -EOPNOTSUPP)
        return complain(complaint, EOPNOTSUPP,
                        "scratch=%s: only a mount of root's limits scratch directories, with a "
                        "STORE that has project quotas: mkfs.ext4 -O quota,project or xfs, mounted "
                        "with prjquota",
                        name);
    return error ? complain(complaint, -error,
                            "scratch=%s: a limit is size=, no percentage, and nr_inodes= alone; "
                            "write a slash behind a word that is a name",
                            name)
                 : 0;
}

static int check_item(const struct mount *mount, const struct anon_item *item, const char *name,
                      struct complaint *complaint)
{
    int error = item->has_words ? check_limit(mount, item, name, complaint) : 0;

    if (error)
        return error;
    if (meets_any(item, mount->options.scratch) || meets_any(item, mount->options.anon))
        return complain(complaint, EINVAL,
                        "scratch=%s: it is another directory of scratch= or anon=, or one is below "
                        "the other, where all has the same class; leave one out",
                        name);
    return class_root_check(&mount->volume.info.areas[AREA_STORE], SHMAP_SCRATCH, name, complaint);
}

static int make_item(const struct mount *mount, const struct anon_item *item, const char *name,
                     struct complaint *complaint)
{
    const struct area *store = &mount->volume.info.areas[AREA_STORE];
    int error = class_root_prepare(store, SHMAP_SCRATCH, name, &mount->options.ram, complaint);
    CLEANUP_FD int dir = error ? -1 : object_open_beneath(store->root, name, O_PATH);

    if (error || !item->has_words)
        return error;
    error = dir < 0 ? dir : area_mark_set_words(dir, true, &item->words);
    return error ? complain(complaint, -error,
                            "scratch=%s: its limit cannot be noted in the store: %s", name,
                            strerror(-error))
                 : 0;
}

/* Does the same work for each name. */
static int for_each_scratch(const struct mount *mount, struct complaint *complaint,
                            int (*work)(const struct mount *mount, const struct anon_item *item,
                                        const char *name, struct complaint *complaint))
{
    const char *rest = mount->options.scratch;
    struct anon_item item;
    int found, error = 0;

    while (!error && (found = anon_list_next(&rest, &item)) != 0) {
        CLEANUP_FREE char *name = strndup(item.path, item.path_length);

        if (!name)
            return complain(complaint, ENOMEM, "scratch=: %s", strerror(ENOMEM));
        if (found < 0 && item.wrong == item.path)
            return complain(complaint, EINVAL,
                            "option 'scratch': %s stands behind no directory; write it as %s/ if "
                            "it is a name",
                            name, name);
        if (found < 0)
            return complain(complaint, EINVAL,
                            "scratch=%s: %.*s is no good value, or there is no size=; write a "
                            "slash behind it if it is a name",
                            name, (int)item.wrong_length, item.wrong);
        error = work(mount, &item, name, complaint);
    }
    return error;
}

int store_setup_check_scratch(struct mount *mount, struct complaint *complaint)
{
    const char *anon = mount->options.anon;
    const char *scratch = mount->options.scratch;

    if (scratch && (anon ? strlen(anon) : 0) + strlen(scratch) + 2 > STATE_ANON_MAX)
        return complain(complaint, ENAMETOOLONG,
                        "options 'anon' and 'scratch' are too long: their names have %d bytes "
                        "together at most; use shmapctl class for more directories",
                        STATE_ANON_MAX - 2);
    return for_each_scratch(mount, complaint, check_item);
}

int store_setup_make_scratch(struct mount *mount, struct complaint *complaint)
{
    struct state *state = mount->volume.state;
    size_t before = (mount->options.anon ? strlen(mount->options.anon) : 0) + 1;

    if (!volume_is_shared(&mount->volume))
        emptying_begin(&mount->volume.info.areas[AREA_STORE], state);
    if (!mount->options.scratch)
        return 0;
    // They are remembered, to be made again; an older version would make them without their class.
    strlcpy(state->anon + before, mount->options.scratch, STATE_ANON_MAX - before);
    state_set_scratch(state);
    // The mount may become writable.
    if (mount->options.read_only)
        return 0;
    if (!state->scratch)
        return complain(complaint, EPERM,
                        "scratch=%s: STORE %s cannot have scratch directories: its " STORE_PRIVATE
                        " is another user's, or cannot be made",
                        mount->options.scratch, mount->options.store);
    return for_each_scratch(mount, complaint, make_item);
}

/* Does some work for each directory that an option names for a class of the store. */
static int for_each_journaled(const struct mount *mount, struct complaint *complaint,
                              int (*work)(const struct mount *mount, const char *path,
                                          enum shmap_class class, struct complaint *complaint))
{
    const struct {
        enum shmap_class class;
        const char *names;
    } given[] = {
        { SHMAP_ATOMIC, mount->options.atomic },
        { SHMAP_CHECKPOINT, mount->options.checkpoint },
    };
    int error = 0;

    for (size_t i = 0; i < sizeof(given) / sizeof(given[0]) && !error; i++) {
        CLEANUP_FREE char *copy = given[i].names ? strdup(given[i].names) : NULL;
        char *rest = copy;
        const char *name;

        if (given[i].names && !copy)
            return complain(complaint, ENOMEM, "option '%s': %s", shmap_class_name(given[i].class),
                            strerror(ENOMEM));
        while (!error && (name = strsep(&rest, ":")))
            error = work(mount, name, given[i].class, complaint);
    }
    return error;
}

/* Returns whether a list has a name. */
static bool has_name(const char *names, const char *name)
{
    size_t length = strlen(name);

    for (const char *at = names; at; at = strchr(at, ':')) {
        at += *at == ':';
        if (strncmp(at, name, length) == 0 && strchr(":", at[length]))
            return true;
    }
    return false;
}

/* Returns whether a directory is one of a list whose contents are elsewhere, or below one. */
static bool lies_in_any(const char *path, const char *list)
{
    const struct anon_item item = { .path = path, .path_length = strlen(path) };
    struct anon_item other;

    while (anon_list_next(&list, &other) > 0) {
        if (lies_in(&item, &other))
            return true;
    }
    return false;
}

static int check_journaled(const struct mount *mount, const char *path, enum shmap_class class,
                           struct complaint *complaint)
{
    if (mount->options.read_only)
        return complain(complaint, EROFS,
                        "option '%s' cannot be had with ro: nothing is written to the store, and "
                        "nothing committed; leave one of them out",
                        shmap_class_name(class));
    if (lies_in_any(path, mount->options.anon) || lies_in_any(path, mount->options.scratch) ||
        (class == SHMAP_ATOMIC && has_name(mount->options.checkpoint, path)))
        return complain(complaint, EINVAL,
                        "%s=%s: another option gives this directory a class, too, or one that it "
                        "is below; leave one of them out",
                        shmap_class_name(class), path);
    return class_root_check(&mount->volume.info.areas[AREA_STORE], class, path, complaint);
}

static int make_journaled(const struct mount *mount, const char *path, enum shmap_class class,
                          struct complaint *complaint)
{
    return class_root_prepare(&mount->volume.info.areas[AREA_STORE], class, path,
                              &mount->options.ram, complaint);
}

int store_setup_check_journaled(struct mount *mount, struct complaint *complaint)
{
    return for_each_journaled(mount, complaint, check_journaled);
}

int store_setup_make_journaled(struct mount *mount, struct complaint *complaint)
{
    return for_each_journaled(mount, complaint, make_journaled);
}
