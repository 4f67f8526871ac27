// SPDX-License-Identifier: BSD-2-Clause
#include "side.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "side_mount.h"
#include "uring.h"

#define FEW_NAMES "names are served as they are with passthrough"

// clang-format off
const struct side sides[] = {
    { .name = "anon", .what = "shmapfs, anonymous files",
      .in_memory = true, .set_up = set_up_shmapfs, .mount_options = ",huge=within_size" },
    { .name = "persist", .what = "shmapfs, persisted files",
      .set_up = set_up_shmapfs, .mount_options = "" },
    { .name = "scratch", .what = "shmapfs, files of a scratch directory",
      .set_up = set_up_shmapfs, .mount_options = ",scratch=scratch", .below = "scratch" },
    { .name = "atomic", .what = "shmapfs, files of an atomic directory", .few_names = FEW_NAMES,
      .set_up = set_up_shmapfs, .mount_options = ",atomic=atomic", .below = "atomic" },
    { .name = "checkpoint", .what = "shmapfs, files of a checkpoint directory",
      .few_names = FEW_NAMES, .set_up = set_up_shmapfs,
      .mount_options = ",checkpoint=checkpoint", .below = "checkpoint" },
    { .name = "shared", .what = "shmapfs with -o shared, on the store's own filesystem",
      .if_named = true, .set_up = set_up_shmapfs, .mount_options = ",shared" },
    { .name = "anon-uring", .what = "anon with -o io_uring", .needs_io_uring = true,
      .in_memory = true, .set_up = set_up_shmapfs, .mount_options = ",huge=within_size,io_uring" },
    { .name = "persist-uring", .what = "persist with -o io_uring", .needs_io_uring = true,
      .set_up = set_up_shmapfs, .mount_options = ",io_uring" },
    { .name = "anon-nopassthrough", .what = "anon with -o nopassthrough",
      .few_names = FEW_NAMES, .in_memory = true, .set_up = set_up_shmapfs,
      .mount_options = ",huge=within_size,nopassthrough" },
    { .name = "persist-nopassthrough", .what = "persist with -o nopassthrough",
      .few_names = FEW_NAMES, .set_up = set_up_shmapfs, .mount_options = ",nopassthrough" },
    { .name = "tmpfs-huge", .what = "tmpfs with huge=within_size",
      .in_memory = true, .set_up = set_up_tmpfs, .mount_options = ",huge=within_size" },
    { .name = "tmpfs", .what = "tmpfs as it is by default",
      .in_memory = true, .set_up = set_up_tmpfs, .mount_options = "" },
    { .name = "directory", .what = "the store's own filesystem",
      .set_up = set_up_directory },
    { .name = "hp-tmpfs", .what = "libfuse's passthrough_hp over tmpfs with huge=within_size",
      .in_memory = true, .set_up = set_up_passthrough, .program = "passthrough_hp",
      .mount_options = ",huge=within_size" },
    { .name = "hp-directory", .what = "libfuse's passthrough_hp over the store's own filesystem",
      .set_up = set_up_passthrough, .program = "passthrough_hp" },
    { .name = "memfs_ll", .what = "libfuse's memfs_ll",
      .few_names = "it looks through all names for each: 100,000 take it many minutes",
      .in_memory = true, .set_up = set_up_program, .program = "memfs_ll",
      .mount_options = "fsname=bench" },
    { .name = "floor", .what = "a filesystem that answers at once", .is_floor = true,
      .in_memory = true, .set_up = set_up_program, .program = "floor",
      .mount_options = "clone_fd" },
    { .name = "floor-leaders", .what = "floor that receives as shmapfs does, and checks permissions", .is_floor = true,
      .in_memory = true, .set_up = set_up_program, .program = "floor",
      .mount_options = "leaders,default_permissions" },
    { .name = "floor-uring", .what = "floor with -o io_uring", .is_floor = true,
      .needs_io_uring = true, .in_memory = true, .set_up = set_up_program, .program = "floor",
      .mount_options = "clone_fd,io_uring" },
};
// clang-format on
const size_t side_count = sizeof(sides) / sizeof(sides[0]);

size_t side_index(const char *name)
{
    size_t index = 0;

    while (index < side_count && strcmp(sides[index].name, name) != 0)
        index++;
    return index;
}

int place_refuse(struct place *place, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(place->reason, sizeof(place->reason), format, args);
    va_end(args);
    return error;
}

// Has the work done in a directory of the mount.
static int go_below(const char *directory, struct place *place)
{
    size_t length = strlen(place->path);

    if (length + 1 + strlen(directory) + 1 > sizeof(place->path))
        return place_refuse(place, -ENAMETOOLONG, "%s is too long a path", place->path);
    memcpy(place->mount, place->path, length + 1);
    place->path[length] = '/';
    strcpy(place->path + length + 1, directory);
    return 0;
}

int side_open(const struct side *side, struct place *place, const struct setting *setting)
{
    *place = (struct place){ .dir_fd = -1 };
    if (side->needs_io_uring && !uring_is_allowed())
        return place_refuse(place, -EOPNOTSUPP,
                            "%s is not Y; the option --enable-uring sees to that for its run",
                            uring_parameter);
    int error = side->set_up(side, place, setting);
    if (error < 0)
        return error;
    if (side->below != NULL)
        error = go_below(side->below, place);
    if (error < 0)
        return error;
    place->dir_fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->dir_fd < 0)
        return place_refuse(place, -errno, "%s: %s", place->path, strerror(errno));
    return 0;
}

static void unmount(const char *path, bool *mounted)
{
    if (*mounted && umount2(path, UMOUNT_NOFOLLOW) < 0)
        fprintf(stderr, "bench: %s cannot be unmounted: %s\n", path, strerror(errno));
    *mounted = false;
}

void side_close(struct place *place)
{
    if (place->dir_fd >= 0)
        close(place->dir_fd);
    place->dir_fd = -1;
    unmount(place->mount[0] != '\0' ? place->mount : place->path, &place->mounted);
    if (place->source_mounted) {
        // Its daemon may not have let go of it yet.
        umount2(place->source, MNT_DETACH | UMOUNT_NOFOLLOW);
        place->source_mounted = false;
    }
}
