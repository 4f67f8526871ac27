// SPDX-License-Identifier: BSD-2-Clause
/*
 * The walk goes from directory to directory by descriptor, and reaches their entries by name alone.
 * Anything that users do meanwhile, or have done, to a directory of theirs, such as moving it away
 * or nesting it too deeply, costs the listing that directory and no other.
 */
#include "tools/scan/objects.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/shmap_save.h"
#include "tools/ui/array.h"
#include "tools/ui/output.h"

#define BLOCK 512 // bytes, of st_blocks

/* A directory on the way to where the walk is. */
struct level {
    struct level *above;
    DIR *stream;
    enum shmap_class class;
    size_t length; // of its path
    bool reported; // a line was printed about entries that cannot be reached
};

struct walk {
    const struct scan_target *target;
    struct objects *objects;
    struct level *level;
    char path[PATH_MAX]; // where it is
    size_t start;        // how much of that is where it began
    int status;
};

static void report_error(struct walk *walk, int error)
{
    // An entry that was there a moment ago is gone, or is something else.
    if (error == ENOENT || error == ENOTDIR || error == ELOOP)
        return;
    walk->status = fail(walk->path, "%s", strerror(error));
}

/* An entry that cannot be reached has this in common with the others in its directory. */
static void report_error_once(struct walk *walk, int error)
{
    if (walk->level->reported)
        return;
    walk->level->reported = true;
    report_error(walk, error);
}

static void add(struct walk *walk, struct object object, const char *path)
{
    struct objects *objects = walk->objects;

    object.path = strdup(path);
    if (!object.path)
        err(EXIT_FAILURE, NULL);
    objects->all = array_grow(objects->all, objects->count, sizeof(*objects->all));
    objects->all[objects->count++] = object;
}

bool object_has_commits(enum shmap_class class)
{
    return class == SHMAP_ATOMIC || class == SHMAP_CHECKPOINT;
}

/* Returns the lifetime of an entry; without one of its own it is the mount's. */
static struct shmap_lifetime lifetime_of(const char *name, enum shmap_class class)
{
    struct shmap_lifetime lifetime;

    if (class == SHMAP_PERSIST || shmap_lifetime_get_unchecked(name, &lifetime) != 0)
        return (struct shmap_lifetime){ .last_close = false };
    return lifetime;
}

/* Reads a class from an attribute; it stays what it is where there is none. */
static void read_class(const char *name, const char *attribute, enum shmap_class *class)
{
    char word[32];
    ssize_t length = getxattr(name, attribute, word, sizeof(word));

    if (length > 0)
        shmap_class_parse(word, (size_t)length, class);
}

static void read_classes(const char *name, struct object *object)
{
    bool can_have_own = object->class != SHMAP_ANON && object->class != SHMAP_SCRATCH;

    if (can_have_own)
        read_class(name, SHMAP_XATTR_CLASS, &object->class);
    object->next_class = object->class;
    if (can_have_own)
        read_class(name, SHMAP_XATTR_NEXT_CLASS, &object->next_class);
}

/* Adds a file, whose class is that of its directory unless it has one of its own; `error` is that
 * of counting its pages. */
static void add_listed_file(struct walk *walk, const struct stat *stat, const char *name,
                            const char *path, int error, struct object object)
{
    if (error == -ENOENT)
        return;
    object.inode = stat->st_ino;
    object.modified = stat->st_mtim;
    object.size = (uint64_t)stat->st_size;
    object.allocated = (uint64_t)stat->st_blocks * BLOCK;
    object.counted = error == 0;
    read_classes(name, &object);
    object.lifetime = lifetime_of(name, object.class);
    if (object_has_commits(object.class))
        shmap_uncommitted_get_unchecked(name, &object.uncommitted);
    add(walk, object, path);
}

static void add_entry(struct walk *walk, const char *name, const struct stat *stat)
{
    struct object object = { .class = walk->level->class };
    // An empty file has no pages, whoever asks.
    int error = stat->st_size == 0 ? 0 : shmap_pages_get_unchecked(name, &object.pages);

    add_listed_file(walk, stat, name, walk->path + walk->start + 1, error, object);
}

/* Adds the one file that the walk was given. */
static void add_start(struct walk *walk, const char *path)
{
    const struct stat *stat = &walk->target->stat;
    struct object object = { .class = SHMAP_PERSIST }; // it may have one of its own
    const char *slash = strrchr(path, '/');
    int error = stat->st_size == 0 ? 0 : shmap_pages_get(path, &object.pages);

    add_listed_file(walk, stat, path, slash ? slash + 1 : path, error, object);
}

/* Opens a directory of the mount and makes it the working directory. */
static DIR *open_and_go(struct walk *walk, const char *name, int flags)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    struct stat stat;

    if (stream && fstat(fd, &stat) == 0) {
        if (stat.st_dev == walk->target->stat.st_dev && fchdir(fd) == 0)
            return stream;
        if (stat.st_dev != walk->target->stat.st_dev)
            errno = ENOENT;
    }
    report_error(walk, errno);
    if (stream)
        closedir(stream);
    else if (fd >= 0)
        close(fd);
    return NULL;
}

/* Notes the RAM area, or the limit, that the working directory may have for itself. */
static void add_limit(struct walk *walk)
{
    struct objects *objects = walk->objects;
    const char *path = walk->path + walk->start;
    struct limited limited;
    struct statvfs vfs;

    if (shmap_area_get(".", limited.words) != 0 || statvfs(".", &vfs) != 0)
        return;
    limited.size = (uint64_t)vfs.f_blocks * vfs.f_frsize;
    limited.used = (uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize;
    limited.path = strdup(*path ? path + 1 : ".");
    if (!limited.path)
        err(EXIT_FAILURE, NULL);
    objects->limited =
        array_grow(objects->limited, objects->limited_count, sizeof(*objects->limited));
    objects->limited[objects->limited_count++] = limited;
}

static void push_level(struct walk *walk, const char *name, int flags)
{
    DIR *stream = open_and_go(walk, name, flags);
    struct level *level = stream ? malloc(sizeof(*level)) : NULL;

    if (!stream)
        return;
    if (!level)
        err(EXIT_FAILURE, NULL);
    *level = (struct level){ .above = walk->level,
                             .stream = stream,
                             .class = walk->level ? walk->level->class : walk->target->class,
                             .length = strlen(walk->path) };
    shmap_class_get(".", &level->class);
    // Areas begin where classes do.
    if ((level->class == SHMAP_ANON || level->class == SHMAP_SCRATCH) &&
        (!level->above || level->above->class != level->class))
        add_limit(walk);
    walk->level = level;
}

static void pop_level(struct walk *walk)
{
    struct level *level = walk->level;

    walk->level = level->above;
    closedir(level->stream);
    free(level);
}

/* Goes back to the directory above, or, where that has been closed to the caller meanwhile,
 * further. */
static void go_back(struct walk *walk)
{
    pop_level(walk);
    while (walk->level && fchdir(dirfd(walk->level->stream)) != 0) {
        walk->path[walk->level->length] = '\0';
        report_error(walk, errno);
        pop_level(walk);
    }
}

/* Appends an entry's name to the path; false: no program could use a path as long as that. */
static bool append_name(struct walk *walk, const char *name)
{
    size_t length = walk->level->length;

    walk->path[length] = '\0';
    if (length + 1 + strlen(name) < sizeof(walk->path)) {
        walk->path[length] = '/';
        strlcpy(walk->path + length + 1, name, sizeof(walk->path) - length - 1);
        return true;
    }
    if (!walk->level->reported)
        walk->status =
            fail(walk->path, "paths below it have more than %zu bytes; they are left out",
                 sizeof(walk->path) - 1);
    walk->level->reported = true;
    return false;
}

static void visit_directory(struct walk *walk, const char *name, const struct stat *stat)
{
    const struct level *level = walk->level;

    push_level(walk, name, O_NOFOLLOW);
    // One that cannot be listed has the class of those around it, or another that it does not tell.
    if (walk->level != level)
        add(walk,
            (struct object){ .is_directory = true,
                             .class = walk->level->class,
                             .next_class = walk->level->class,
                             .lifetime = lifetime_of(".", walk->level->class),
                             .inode = stat->st_ino,
                             .modified = stat->st_mtim },
            walk->path + walk->start + 1);
}

static void visit_entry(struct walk *walk, const char *name)
{
    struct stat stat;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || !append_name(walk, name))
        return;
    if (lstat(name, &stat) != 0)
        report_error_once(walk, errno);
    else if (stat.st_dev != walk->target->stat.st_dev)
        return;
    else if (S_ISDIR(stat.st_mode))
        visit_directory(walk, name, &stat);
    else if (S_ISREG(stat.st_mode))
        add_entry(walk, name, &stat);
}

static void visit_all(struct walk *walk)
{
    while (walk->level) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(walk->level->stream);
        if (entry) {
            visit_entry(walk, entry->d_name);
            continue;
        }
        walk->path[walk->level->length] = '\0';
        if (errno != 0)
            report_error(walk, errno);
        go_back(walk);
    }
}

int objects_find(const char *path, const struct scan_target *target, struct objects *objects)
{
    struct walk walk = { .target = target, .objects = objects, .status = EXIT_SUCCESS };

    *objects = (struct objects){ 0 };
    snprintf(walk.path, sizeof(walk.path), "%s", path);
    walk.start = strlen(walk.path);
    while (walk.start > 0 && walk.path[walk.start - 1] == '/')
        walk.path[--walk.start] = '\0';
    if (S_ISREG(target->stat.st_mode))
        add_start(&walk, path);
    else if (S_ISDIR(target->stat.st_mode))
        push_level(&walk, path, 0);
    visit_all(&walk);
    return walk.status;
}

void objects_free(struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++)
        free(objects->all[i].path);
    free(objects->all);
    for (size_t i = 0; i < objects->limited_count; i++)
        free(objects->limited[i].path);
    free(objects->limited);
}
