// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/anon_names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/area/anon_list.h"
#include "lib/class/area_mark.h"
#include "lib/class/class_root.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* A name in a path of anon= or scratch=. */
struct component {
    const char *text; // the whole path
    int above;        // the length of the path before the name
    const char *name;
    size_t length;
    const char *below; // the path after the name
    size_t below_length;
    const struct anon_item *item; // that the path is of
    enum shmap_class class;
};

static size_t slashes(const char *text, size_t length)
{
    size_t count = 0;

    while (count < length && text[count] == '/')
        count++;
    return count;
}

/* Finds the first name of a path from `at` on. Returns false if there is none. */
static bool find_component(const char *text, size_t length, size_t at, struct component *component)
{
    size_t end;

    component->text = text;
    component->above = (int)at;
    at += slashes(text + at, length - at);
    for (end = at; end < length && text[end] != '/';)
        end++;
    component->name = text + at;
    component->length = end - at;
    end += slashes(text + end, length - end);
    component->below = text + end;
    component->below_length = length - end;
    return component->length > 0;
}

static bool is_of_name(const struct component *component, const char *name)
{
    return strlen(name) == component->length &&
           memcmp(component->name, name, component->length) == 0;
}

/* Returns whether a directory is the one that a component is in. */
static bool is_in(const struct component *component, const struct inode *dir)
{
    char path[STATE_ANON_MAX];
    CLEANUP_FD int above = -1;
    struct statx stx;

    if (component->above == 0)
        return dir->ref.id == NODE_ROOT_ID;
    snprintf(path, sizeof(path), "%.*s", component->above, component->text);
    above = object_open_beneath(volume_area(dir->volume, AREA_STORE)->root, path, O_PATH);
    return above >= 0 && object_stat(above, &stx) == 0 && stx.stx_ino == dir->ref.ino &&
           object_birth(&stx) == dir->ref.birth;
}

/* A piece of work for components; `dir` is the directory that each is in. */
struct task {
    int (*work)(const struct component *component, const struct inode *dir, const void *argument);
    const void *argument;
};

/* Does something for each component of a path that is `name` in `dir`, until that returns something
 * else than 0. */
static int for_each_component(struct inode *dir, const char *name, const struct anon_item *item,
                              enum shmap_class class, const struct task *task)
{
    struct component component = { .item = item, .class = class };
    size_t next = 0;
    int error = 0;

    while (!error && find_component(item->path, item->path_length, next, &component)) {
        if (is_of_name(&component, name) && is_in(&component, dir))
            error = task->work(&component, dir, task->argument);
        next = item->path_length - component.below_length;
    }
    return error;
}

/* Does the same for the names of one option. */
static int for_each_named(struct inode *dir, const char *name, const char *rest,
                          enum shmap_class class, const struct task *task)
{
    struct anon_item item;
    int error = 0;

    while (!error && *rest && anon_list_next(&rest, &item) > 0) {
        error = for_each_component(dir, name, &item, class, task);
        rest = rest ? rest : "";
    }
    return error;
}

/* Does the same for all names. */
static int for_each(struct inode *dir, const char *name, const struct task *task)
{
    const struct state *state = dir->volume->state;
    char names[STATE_ANON_MAX];
    int error;

    // Below a class whose names do not last there are none.
    if (!inode_class(dir)->lasts)
        return 0;
    strlcpy(names, state_scratch_names(state), sizeof(names));
    error = for_each_named(dir, name, names, SHMAP_SCRATCH, task);
    memcpy(names, state->anon, sizeof(names));
    names[sizeof(names) - 1] = '\0';
    return error ? error : for_each_named(dir, name, names, SHMAP_ANON, task);
}

static int mark_component(const struct component *component, const struct inode *dir,
                          const void *name)
{
    CLEANUP_FD int fd = -1;
    int error;

    if (component->below_length > 0)
        return 0;
    fd = object_open_beneath(dir->fd, name, O_PATH);
    error = fd < 0 ? fd : 0;
    if (!error && component->item->has_words)
        error = area_mark_set_words(fd, dir->volume->info.cred.privileged, &component->item->words);
    if (!error)
        error = class_root_mark(fd, component->class);
    return error ? error : 1;
}

int anon_names_mark_new(struct inode *dir, const char *name)
{
    return for_each(dir, name, &(struct task){ .work = mark_component, .argument = name });
}

struct source {
    const struct inode *dir;
    const char *name;
};

/* Checks what a rename brings to the place of a named directory. */
static int check_component(const struct component *component, const struct inode *dir,
                           const void *argument)
{
    const struct source *source = argument;
    char path[NAME_MAX + 1 + STATE_ANON_MAX];
    CLEANUP_FD int fd = -1;
    enum shmap_class class;

    (void)dir;
    snprintf(path, sizeof(path), "%s/%.*s", source->name, (int)component->below_length,
             component->below);
    fd = object_open_beneath(source->dir->fd, path, O_PATH);
    // Only a directory that is there has a class.
    if (fd < 0)
        return 0;
    return class_root_class(fd, &class) == 0 && class == component->class ? 0 : -EXDEV;
}

int anon_names_check_rename(struct inode *from, const char *name, struct inode *to,
                            const char *new_name)
{
    const struct source source = { .dir = from, .name = name };

    return for_each(to, new_name, &(struct task){ .work = check_component, .argument = &source });
}
