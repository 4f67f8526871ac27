// SPDX-License-Identifier: BSD-2-Clause
#include "lib/class/scratch_place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

#define NAME "scratch"

/* How often a number may be taken. */
#define ATTEMPTS 8

/* Programs that leave out of a backup what is marked as a cache look for such a file. */
#define TAG      "CACHEDIR.TAG"
#define TAG_TEXT "Signature: 8a477f597d28d172789f06886806bc55\n"

static void put_tag(int place)
{
    CLEANUP_FD int tag = openat(place, TAG, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    // A backup without it is larger, and no more than that.
    if (tag >= 0 &&
        (write(tag, TAG_TEXT, strlen(TAG_TEXT)) < 0 || fchown(tag, geteuid(), getegid()) != 0))
        unlinkat(place, TAG, 0);
}

static int make_place(int directory)
{
    CLEANUP_FD int place = -1;

    if (mkdirat(directory, NAME, 0700) != 0)
        return errno == EEXIST ? 0 : -errno;
    // A thread of the daemon makes what it makes as nobody.
    if (fchownat(directory, NAME, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    place = openat(directory, NAME, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place >= 0)
        put_tag(place);
    return 0;
}

static int open_scratch_place(int directory)
{
    int place = openat(directory, NAME, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (place >= 0)
        return place;
    return errno == ENOTDIR || errno == ELOOP ? -EPERM : -errno;
}

int scratch_find(const struct area *store)
{
    CLEANUP_FD int directory = store_private_open(store);

    return directory < 0 ? directory : open_scratch_place(directory);
}

int scratch_open(const struct area *store)
{
    CLEANUP_FD int directory = store_private_open(store);
    int place = directory < 0 ? directory : open_scratch_place(directory);

    if (place != -ENOENT || directory < 0)
        return place;
    place = make_place(directory);
    return place ? place : open_scratch_place(directory);
}

int scratch_set_aside(const struct area *store)
{
    CLEANUP_FD int directory = store_private_open(store);
    char name[32];

    if (directory < 0)
        return directory == -ENOENT ? 0 : directory;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        snprintf(name, sizeof(name), SCRATCH_ASIDE "%08" PRIx32, arc4random());
        // One that is there is not empty, and cannot be replaced.
        if (renameat(directory, NAME, directory, name) == 0 || errno == ENOENT)
            return 0;
        if (errno != EEXIST && errno != ENOTEMPTY)
            return -errno;
    }
    return -EEXIST;
}

static bool is_aside(const struct dirent64 *entry, const void *argument)
{
    (void)argument;
    return object_may_be_directory(entry) &&
           strncmp(entry->d_name, SCRATCH_ASIDE, strlen(SCRATCH_ASIDE)) == 0;
}

bool scratch_was_set_aside(int directory)
{
    char name[NAME_MAX + 1];

    return object_find_entry(directory, is_aside, NULL, name) > 0;
}
