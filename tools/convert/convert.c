// SPDX-License-Identifier: BSD-2-Clause
/*
 * The original keeps its name while the copy is made and verified. Then the two change their names
 * in one step. An open by name gets the copy from then on; who had one open before is
 * found, and what changed between the copying and that step differs. In both cases the old
 * directory stays, and a line names it.
 */
#include "tools/convert/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/convert/child.h"
#include "tools/convert/compare.h"
#include "tools/convert/conversion.h"
#include "tools/scan/target.h"
#include "tools/ui/output.h"

/* Reads what is to be copied, and refuses what could not be the same afterwards. */
static int read_original(struct conversion *conversion)
{
    int error = tree_read(conversion->original, &conversion->tree);

    if (error == -EXDEV)
        return fail(conversion->path, "something is mounted in it; unmount that first");
    if (error)
        return fail(conversion->path, "cannot be read: %s", strerror(-error));
    if (tree_is_linked_elsewhere(&conversion->tree))
        return fail(conversion->path,
                    "a file in it has another name outside of it, and cannot have "
                    "one in each of two classes; remove one of its names first");
    return conversion_refuse_users(conversion, NULL);
}

static int fail_copy_directory(const struct conversion *conversion, int error)
{
    if (error == -EINVAL || error == -EOPNOTSUPP)
        return fail_class(conversion->path, conversion->class, error);
    return fail(conversion->path, "no directory of the class %s can be made beside it: %s",
                shmap_class_name(conversion->class), strerror(-error));
}

/* Gives the directory for the copy its class, unless it is that of those around it. It is named by
 * its descriptor: somebody who may write where it is could put something else there. */
static int give_class(int directory, enum shmap_class wanted)
{
    struct conversion_fd_path path = conversion_fd_path(directory);
    enum shmap_class class;
    int error = shmap_class_get(path.text, &class);

    return error || class == wanted ? error : shmap_class_set(path.text, wanted);
}

/* Opens the directory that was made, and no other. */
static int open_made(const struct conversion *conversion, const char *name)
{
    int fd = openat(conversion->parent_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat stat;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &stat) == 0 && stat.st_uid == geteuid() && !(stat.st_mode & 077) &&
        tree_is_empty(fd))
        return fd;
    close(fd);
    return -EPERM;
}

static int make_copy_directory(struct conversion *conversion, const char *name)
{
    CLEANUP_FD int made = -1;
    int error = mkdirat(conversion->parent_fd, name, 0700) == 0 ? 0 : -errno;

    if (error)
        return fail_copy_directory(conversion, error);
    made = open_made(conversion, name);
    error = made < 0 ? made : give_class(made, conversion->class);
    if (!error) {
        // As it is now that it has its class.
        conversion->copy = openat(made, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = conversion->copy < 0 ? -errno : 0;
    }
    if (!error)
        return EXIT_SUCCESS;
    unlinkat(conversion->parent_fd, name, AT_REMOVEDIR);
    return fail_copy_directory(conversion, error);
}

static int check_room(const struct conversion *conversion)
{
    struct statvfs room;
    uint64_t there;

    if (fstatvfs(conversion->copy, &room) != 0)
        return EXIT_SUCCESS;
    there = (uint64_t)room.f_bavail * room.f_frsize;
    if (conversion->tree.bytes <= there)
        return EXIT_SUCCESS;
    return fail(conversion->path, "takes %s, and %s has room for %s; %s",
                humanize(conversion->tree.bytes).text,
                conversion->class == SHMAP_ANON ? "the RAM area" : "the store",
                humanize(there).text,
                conversion->class == SHMAP_ANON ? "resize it first (shmapctl resize)"
                                                : "make room there first");
}

static int copy_all(struct conversion *conversion)
{
    struct last_words words;
    struct progress progress;
    int error;

    progress_begin(&progress, conversion->tree.bytes);
    error = child_copy(conversion->original, conversion->copy, conversion->parent_fd,
                       &conversion->interruption, &progress, &words);
    if (error == -EINTR)
        return conversion_fail_interrupted(conversion);
    return error ? fail(conversion->path, "cannot be copied, and is as it was: %s", words.text)
                 : EXIT_SUCCESS;
}

static int verify_copy(struct conversion *conversion)
{
    struct difference difference;
    struct progress progress;
    int result;

    progress_begin(&progress, conversion->tree.bytes);
    result = compare_trees(conversion->original, conversion->copy, &conversion->interruption,
                           &progress, &difference);
    if (result == -EINTR)
        return conversion_fail_interrupted(conversion);
    if (result == 0)
        return EXIT_SUCCESS;
    return fail(conversion->path,
                "is as it was: %s would not be the same (%s); somebody may have changed it "
                "meanwhile, or it takes root to copy that",
                *difference.path ? difference.path : "it", difference.what);
}

/* Brings the copy to the disk, before the original goes, and before a crash could leave the name of
 * a directory that has nothing. */
static int sync_copy(struct conversion *conversion)
{
    bool lasts = conversion->class != SHMAP_ANON && conversion->class != SHMAP_SCRATCH;
    int error = lasts ? conversion_sync(conversion) : 0;

    if (error == -EINTR)
        return conversion_fail_interrupted(conversion);
    return error
               ? fail(conversion->path, "is as it was: its copy cannot be brought to the disk: %s",
                      strerror(-error))
               : EXIT_SUCCESS;
}

/* Makes the copy in a directory that is there. A failure leaves the original as it was. */
static int fill_copy(struct conversion *conversion)
{
    int status = check_room(conversion);

    if (status == EXIT_SUCCESS)
        status = copy_all(conversion);
    if (status == EXIT_SUCCESS)
        status = verify_copy(conversion);
    if (status == EXIT_SUCCESS)
        status = sync_copy(conversion);
    if (status == EXIT_SUCCESS)
        status = conversion_refuse_users(conversion, NULL);
    return status;
}

static int change_names(const struct conversion *conversion, const char *name)
{
    if (renameat2(conversion->parent_fd, name, conversion->parent_fd, conversion->name,
                  RENAME_EXCHANGE) != 0)
        return errno == EXDEV
                   ? conversion_fail_anon_name(conversion, "")
                   : fail(conversion->path, "is as it was: the copy cannot take its name: %s",
                          strerror(errno));
    fsync(conversion->parent_fd);
    return EXIT_SUCCESS;
}

static int convert(struct conversion *conversion)
{
    struct conversion_name name;
    int status = EXIT_SUCCESS;

    if (conversion_copy_name(conversion, conversion->class, &name) != 0)
        return fail(conversion->path, "its name is too long for another one to be made of it");
    status = read_original(conversion);
    if (status == EXIT_SUCCESS)
        status = conversion_refuse_anon_name(conversion);
    if (status == EXIT_SUCCESS)
        status = make_copy_directory(conversion, name.text);
    if (status != EXIT_SUCCESS)
        return status;
    status = fill_copy(conversion);
    if (status == EXIT_SUCCESS)
        status = change_names(conversion, name.text);
    if (status != EXIT_SUCCESS) {
        conversion_remove(conversion, name.text);
        return status;
    }
    return conversion_finish(conversion, name.text, conversion->original, conversion->copy);
}

int convert_directory(const char *path, enum shmap_class class)
{
    struct conversion conversion;
    enum shmap_class present;
    int status = conversion_open(path, class, &conversion);

    if (status == EXIT_SUCCESS)
        status = conversion_clean(&conversion);
    if (status == EXIT_SUCCESS && shmap_class_get(conversion.path, &present) != 0)
        status = fail(path, "its class cannot be read");
    if (status == EXIT_SUCCESS && present != class)
        status = convert(&conversion);
    conversion_close(&conversion);
    return status;
}
