// SPDX-License-Identifier: BSD-2-Clause
#include "fs/limit/scratch_limit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/impersonate.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"
#include "lib/class/area_mark.h"
#include "lib/class/class_root.h"
#include "lib/object/object.h"
#include "lib/quota/project.h"
#include "lib/quota/project_ids.h"
#include "lib/sys/cleanup.h"

static int read_number(const char *text, uint64_t *number)
{
    if (!*text)
        return 0;
    // A percentage would be of the machine's RAM.
    return strchr(text, '%') ? -EINVAL : shmap_size_parse(text, 0, number);
}

/* Reads what a project can be limited to. */
static int read_limits(const struct area_words *words, struct project_limits *limits)
{
    int error;

    *limits = (struct project_limits){ .size = 0 };
    if (words->huge || words->noswap || *words->policy)
        return -EINVAL;
    error = read_number(words->size, &limits->size);
    if (!error)
        error = read_number(words->inodes, &limits->inodes);
    if (!error && *words->size && limits->size < (uint64_t)sysconf(_SC_PAGESIZE))
        error = -ERANGE;
    return error;
}

static int open_directory(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* Returns 0 if a volume can have limits. */
static int check_store(const struct volume *volume)
{
    CLEANUP_FD int fd = -1;

    if (!volume->info.cred.privileged)
        return -EOPNOTSUPP;
    fd = open_directory(volume->info.areas[AREA_STORE].root);
    return fd < 0 ? fd : project_check(fd);
}

int scratch_limit_check(const struct volume *volume, const struct area_words *words)
{
    struct project_limits limits;
    int error = read_limits(words, &limits);

    if (!error && !limits.size)
        error = -EINVAL;
    return error ? error : check_store(volume);
}

int scratch_limit_note(struct volume *volume, int named_dir, const struct area_words *words)
{
    int error = scratch_limit_check(volume, words);

    return error ? error : area_mark_set_words(named_dir, true, words);
}

/* Has contents count for an id. Until they do nothing counts for that, and it may be taken anew. */
static int give_project(int ids, int contents, const struct project_limits *limits)
{
    struct project project = { .inherited = true };
    int error = project_ids_take(ids, &project.id);

    fault_point(FAULT_IN_AREA);
    if (!error)
        error = project_limit(ids, project.id, limits);
    fault_point(FAULT_IN_AREA);
    return error ? error : project_set(contents, &project);
}

static int apply(struct volume *volume, const char *mark, int contents)
{
    CLEANUP_FD int ids = project_ids_open(volume_area(volume, AREA_STORE), true);
    CLEANUP_FD int dir = ids < 0 ? ids : open_directory(contents);
    struct project_limits limits;
    struct area_words words;
    struct project project;
    int error = dir < 0 ? dir : project_get(dir, &project);

    if (error || (project.inherited && project_ids_have(ids, project.id)))
        return error;
    if (area_words_parse(mark, &words) != 0 || read_limits(&words, &limits) != 0 || !limits.size)
        return -EIO;
    error = project_check(dir);
    return error ? error : give_project(ids, dir, &limits);
}

int scratch_limit_apply(struct volume *volume, int named_dir, int contents)
{
    char mark[AREA_WORDS_MAX] = "", path[PATH_MAX];
    int error = volume->info.cred.privileged ? area_mark_get(named_dir, true, mark) : -ENODATA;

    if (error == -ENODATA)
        return 0;
    if (!error)
        error = apply(volume, mark, contents);
    if (error && error != -EMFILE)
        log_event(LOG_WARNING, "%s cannot have the limit that it is marked for (%s): %s",
                  object_shown_path(named_dir, path), mark,
                  error == -EOPNOTSUPP ? "the store has no project quotas" : strerror(-error));
    return error;
}

/* Gives a class root that is empty a limit. */
static int begin_limit(struct inode *class_root, const struct area_words *words)
{
    int named_dir = class_root->ref.held.io_fd;
    int error = scratch_limit_check(class_root->volume, words);
    int empty = error ? error : class_root_is_empty(class_root->fd);

    if (empty <= 0)
        return empty < 0 ? empty : -ENOTEMPTY;
    error = scratch_limit_note(class_root->volume, named_dir, words);
    if (error)
        return error;
    error = scratch_limit_apply(class_root->volume, named_dir, class_root->fd);
    if (error)
        area_mark_remove(named_dir, true);
    return error;
}

/* Sets the limits of the project that contents count for. */
static int set_limits(const struct inode *class_root, const struct project_limits *limits)
{
    CLEANUP_FD int dir = open_directory(class_root->fd);
    struct project_usage usage;
    struct project project;
    int error = dir < 0 ? dir : project_get(dir, &project);

    if (!error && !project.inherited)
        error = -EIO;
    if (!error)
        error = project_usage(dir, project.id, &usage);
    if (!error &&
        (usage.used > limits->size || (limits->inodes && usage.inodes_used > limits->inodes)))
        error = -EBUSY;
    return error ? error : project_limit(dir, project.id, limits);
}

int scratch_limit_change(struct inode *class_root, const struct area_words *changes)
{
    COPY_ATTRIBUTES(&class_root->volume->info.cred);
    int named_dir = class_root->ref.held.io_fd;
    char before[AREA_WORDS_MAX];
    struct project_limits limits;
    struct area_words words;
    int error = area_mark_get(named_dir, true, before);

    if (error)
        return error == -ENODATA ? begin_limit(class_root, changes) : error;
    error = area_words_parse(before, &words) ? -EIO : 0;
    area_words_merge(&words, changes);
    if (!error)
        error = read_limits(&words, &limits);
    if (!error)
        error = area_mark_set_words(named_dir, true, &words);
    if (error)
        return error;
    fault_point(FAULT_IN_AREA);
    error = set_limits(class_root, &limits);
    if (error)
        area_mark_set(named_dir, true, before);
    return error;
}

void scratch_limit_leave(struct volume *volume, int named_dir)
{
    CLEANUP_FD int ids = -1;

    if (!volume->info.cred.privileged)
        return;
    area_mark_remove(named_dir, true);
    ids = project_ids_open(volume_area(volume, AREA_STORE), false);
    if (ids >= 0)
        project_ids_release(ids);
}

int scratch_limit_words(const struct inode *class_root, char words[AREA_WORDS_MAX])
{
    return class_root->volume->info.cred.privileged
               ? area_mark_get(class_root->ref.held.io_fd, true, words)
               : -ENODATA;
}

int scratch_limit_project(const struct inode *directory, uint32_t *id)
{
    CLEANUP_FD int dir = open_directory(directory->fd);
    struct project project;
    int error = dir < 0 ? dir : project_get(dir, &project);

    *id = !error && project.inherited ? project.id : 0;
    return error;
}

/* Finds the project that an object counts for, or would hand on. An object that cannot be opened
 * hands nothing on. */
static uint32_t project_of(const struct inode *inode)
{
    CLEANUP_FD int fd = -1;
    struct project project;
    uint32_t id;

    if (inode_is_dir(inode))
        return scratch_limit_project(inode, &id) == 0 ? id : 0;
    fd = inode_is_regular(inode) ? object_reopen(inode->fd, O_RDONLY | O_NONBLOCK) : -1;
    return fd >= 0 && project_get(fd, &project) == 0 ? project.id : 0;
}

static bool have_one_project(const struct inode *one, const struct inode *other)
{
    COPY_ATTRIBUTES(&one->volume->info.cred);

    return project_of(one) == project_of(other);
}

bool scratch_limit_separates(const struct inode *one, const struct inode *other)
{
    return one->ref.id != other->ref.id && one->ref.class == SHMAP_SCRATCH &&
           other->ref.class == SHMAP_SCRATCH && one->volume->info.cred.privileged &&
           !have_one_project(one, other);
}
