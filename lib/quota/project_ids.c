// SPDX-License-Identifier: BSD-2-Clause
#include "lib/quota/project_ids.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/quota/project.h"
#include "lib/sys/cleanup.h"

#define NAME "projects"

/* Administrators count their projects from 1 on. */
#define LOWEST UINT32_C(0x40000000)
#define COUNT  UINT32_C(0x40000000)

/* How often a number may be taken. */
#define ATTEMPTS 16

struct id_name {
    char text[16];
};

static const char *id_name(uint32_t id, struct id_name *name)
{
    snprintf(name->text, sizeof(name->text), "%" PRIu32, id);
    return name->text;
}

static int open_ids(int directory)
{
    int ids = openat(directory, NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (ids >= 0)
        return ids;
    return errno == ENOTDIR || errno == ELOOP ? -EPERM : -errno;
}

int project_ids_open(const struct area *store, bool make)
{
    CLEANUP_FD int directory = store_private_open(store);
    CLEANUP_FD int ids = directory < 0 ? directory : open_ids(directory);

    if (ids == -ENOENT && directory >= 0 && make) {
        if (mkdirat(directory, NAME, 0700) != 0 && errno != EEXIST)
            return -errno;
        // A thread of the daemon makes what it makes as nobody.
        if (fchownat(directory, NAME, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW) != 0)
            return -errno;
        ids = open_ids(directory);
    }
    if (ids >= 0 && flock(ids, LOCK_EX) != 0)
        return -errno;
    return steal_fd(&ids);
}

bool project_ids_have(int ids, uint32_t id)
{
    struct id_name name;

    return faccessat(ids, id_name(id, &name), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Returns whether nothing counts for an id. */
static bool is_free(int ids, uint32_t id, struct project_usage *usage)
{
    return project_usage(ids, id, usage) == 0 && usage->used == 0 && usage->inodes_used == 0;
}

/* Calls something for each id until it returns true. */
static bool any_id(int ids, bool (*work)(int ids, uint32_t id, uint32_t *found), uint32_t *found)
{
    CLEANUP_FD int opened = openat(ids, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = opened < 0 ? NULL : fdopendir(opened);
    const struct dirent64 *entry;
    bool done = false;

    if (!stream)
        return false;
    steal_fd(&opened);
    while (!done && (entry = readdir64(stream))) {
        const char *wrong;
        long long id = strtonum(entry->d_name, LOWEST, LOWEST + (COUNT - 1), &wrong);

        done = !wrong && work(ids, (uint32_t)id, found);
    }
    closedir(stream);
    return done;
}

static bool find_free_id(int ids, uint32_t id, uint32_t *found)
{
    struct project_usage usage;

    *found = id;
    return is_free(ids, id, &usage);
}

/* Makes an id that nobody has one of them. */
static int make_id(int ids, uint32_t id)
{
    struct project_usage usage;
    struct id_name name;
    int file;

    if (!is_free(ids, id, &usage) || usage.limits.size || usage.limits.inodes)
        return -EEXIST;
    file = openat(ids, id_name(id, &name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return -errno;
    close(file);
    return 0;
}

int project_ids_take(int ids, uint32_t *id)
{
    int error = -EEXIST;

    if (any_id(ids, find_free_id, id))
        return 0;
    for (unsigned i = 0; error == -EEXIST && i < ATTEMPTS; i++) {
        *id = LOWEST + arc4random_uniform(COUNT);
        error = make_id(ids, *id);
    }
    return error;
}

static bool release_id(int ids, uint32_t id, uint32_t *found)
{
    const struct project_limits none = { .size = 0 };
    struct project_usage usage;
    struct id_name name;

    *found = id;
    if (is_free(ids, id, &usage) && project_limit(ids, id, &none) == 0)
        unlinkat(ids, id_name(id, &name), 0);
    return false;
}

void project_ids_release(int ids)
{
    uint32_t last;

    any_id(ids, release_id, &last);
}
