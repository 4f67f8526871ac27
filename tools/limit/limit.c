// SPDX-License-Identifier: BSD-2-Clause
#include "tools/limit/limit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "lib/api/shmap.h"
#include "tools/scan/target.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

static int fail_usage(const char *value, const char *what)
{
    fail(value, "%s", what);
    return EXIT_USAGE;
}

int limit_check_size(const char *size)
{
    uint64_t bytes;

    switch (shmap_size_parse(size, UINT64_C(1) << 30, &bytes)) {
    case 0:
        return EXIT_SUCCESS;
    case -ERANGE:
        return fail_usage(size, "out of range; a size is more than 0 and less than 8388608t");
    default:
        return fail_usage(size, "not a size; write a number with k, m, g or t, such as 512m, or a "
                                "percentage of the machine's RAM, such as 25%");
    }
}

static int check_inodes(const char *value)
{
    uint64_t number;

    return !strchr(value, '%') && shmap_size_parse(value, 0, &number) == 0
               ? EXIT_SUCCESS
               : fail_usage(value, "not a number of files; write a number of at least 1, with or "
                                   "without k, m, g or t");
}

static int check_huge(const char *value)
{
    static const char *const words[] = { "never", "always", "within_size", "advise" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0)
            return EXIT_SUCCESS;
    }
    return fail_usage(value, "not a word for huge pages; there are never, always, within_size and "
                             "advise");
}

static int check_policy(const char *value)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789:=-_";

    // The kernel says whether it is one.
    return *value && value[strspn(value, allowed)] == '\0'
               ? EXIT_SUCCESS
               : fail_usage(value, "not a policy; there are default, prefer:NODE, bind:NODES, "
                                   "interleave:NODES and local, with nodes like 0-3");
}

static const struct {
    const char *word;
    int (*check)(const char *value); // NULL: it has no value
} WORDS[LIMIT_WORDS] = {
    [LIMIT_SIZE] = { "size", limit_check_size }, [LIMIT_INODES] = { "nr_inodes", check_inodes },
    [LIMIT_HUGE] = { "huge", check_huge },       [LIMIT_POLICY] = { "mpol", check_policy },
    [LIMIT_NOSWAP] = { "noswap", NULL },
};

int limit_of(const char *const given[LIMIT_WORDS], struct limit *limit)
{
    *limit = (struct limit){ .size = given[LIMIT_SIZE] };
    for (size_t i = 0; i < LIMIT_WORDS; i++) {
        const char *value = given[i];
        int mistake = value && WORDS[i].check ? WORDS[i].check(value) : EXIT_SUCCESS;
        size_t length = strlen(limit->words);

        if (mistake != EXIT_SUCCESS)
            return mistake;
        if (value &&
            (size_t)snprintf(limit->words + length, sizeof(limit->words) - length, "%s%s%s%s",
                             length ? "," : "", WORDS[i].word, WORDS[i].check ? "=" : "",
                             value) >= sizeof(limit->words) - length)
            return fail_usage(value, "too long");
    }
    return EXIT_SUCCESS;
}

static int fail_in_use(const char *path, const struct limit *limit)
{
    struct statvfs vfs;

    if (limit->size && statvfs(path, &vfs) == 0)
        return fail(
            path,
            "%s cannot be had with the %s in use there; name a larger size, or remove files "
            "there first",
            limit->size, humanize((uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize).text);
    return fail(path, "its RAM area cannot change like that while it is in use; make an empty "
                      "directory with it, and move the files there");
}

/* Finds out why a directory cannot have a RAM area for itself at all. */
static int fail_place(const char *path, const struct limit *limit)
{
    struct shmap_status status;
    enum shmap_class class;
    bool kept;

    if (shmap_status_get(path, &status) == 0)
        return fail(path,
                    "the root of a mount has no RAM area for itself; change the mount's with: "
                    "shmapctl resize");
    if (shmap_class_get(path, &class) == 0 && class != SHMAP_ANON)
        return fail(path, "persisted, and so without a limit; give an empty directory one with: "
                          "shmapctl class DIRECTORY anon --size SIZE");
    if (shmap_skeleton_get(path, &kept) != 0)
        return fail(path, "below an anonymous directory, or on a mount without a store; only a "
                          "directory that is made anonymous itself has a RAM area for itself");
    if (!limit->size)
        return fail(path, "a RAM area that it has for itself needs a limit; add --size SIZE");
    return fail(path, "the mount does not take this: %s", limit->words);
}

static int fail_area(const char *path, const struct limit *limit, int error)
{
    enum shmap_class class;

    switch (-error) {
    case EINVAL:
        return fail_place(path, limit);
    case EBUSY:
        return fail_in_use(path, limit);
    case ERANGE:
        return fail(path, "%s is out of range; a size is at least one page", limit->size);
    case ENOTEMPTY:
        if (shmap_class_get(path, &class) == 0 && class == SHMAP_ANON)
            return fail(path, "not empty, and what is there is in the mount's RAM area; give an "
                              "empty directory an area for itself");
        return fail(path, "the directory is not empty; make a new one anonymous");
    case ENOTDIR:
        return fail(path, "not a directory; give the directory that it is in a limit");
    case EUSERS:
        return fail(path, "the mount has as many RAM areas as it can have; make a directory that "
                          "has one persist again, or remove it");
    case EOPNOTSUPP:
        return fail(path, "the kernel does not have %s; the log of the mount says what it refuses",
                    limit->words);
    case EPERM:
    case EACCES:
        return fail(path, "permission denied; only the mount's owner and root give a directory a "
                          "RAM area, and root of a container cannot");
    case EROFS:
        return fail(path, "the mount is read-only; set the limit where it is mounted for writing");
    case ENODATA:
        return fail(path, "not a directory of a shmapfs mount; only these have a RAM area");
    default:
        return fail(path, "%s", strerror(-error));
    }
}

static int fail_scratch(const char *path, const struct limit *limit, int error)
{
    switch (-error) {
    case EINVAL:
        return fail(path,
                    "%s: a scratch directory is limited by --size SIZE, no percentage, and "
                    "--nr-inodes N alone, and is made of an empty directory in a persisted "
                    "one",
                    limit->words);
    case ENOTEMPTY:
        return fail(path, "not empty, and without a limit so far; give an empty directory one");
    case EOPNOTSUPP:
        return fail(path, "only a mount of root's limits scratch directories, with a store that "
                          "has project quotas: mkfs.ext4 -O quota,project or xfs, mounted with "
                          "prjquota");
    default:
        return fail_area(path, limit, error);
    }
}

int fail_limit(const char *path, enum shmap_class class, const struct limit *limit, int error)
{
    return class == SHMAP_SCRATCH ? fail_scratch(path, limit, error)
                                  : fail_area(path, limit, error);
}
