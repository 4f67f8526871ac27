// SPDX-License-Identifier: BSD-2-Clause
#include "side_mount.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "command.h"
#include "directory.h"
#include "lib/api/shmap.h"
#include "process.h"

static int mount_tmpfs(const struct side *side, struct place *place, const struct setting *setting,
                       const char *path)
{
    char options[256];

    snprintf(options, sizeof(options), "size=%zu%s", directory_room(setting), side->mount_options);
    if (mount("shmapfs-bench", path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        return place_refuse(place, -errno, "mounting tmpfs with %s: %s", options, strerror(errno));
    return 0;
}

int set_up_tmpfs(const struct side *side, struct place *place, const struct setting *setting)
{
    int error = directory_make(side, "mnt", place, setting, place->path);

    if (error == 0)
        error = mount_tmpfs(side, place, setting, place->path);
    place->mounted = error == 0;
    return error;
}

int set_up_directory(const struct side *side, struct place *place, const struct setting *setting)
{
    return directory_make_roomy(side, "dir", place, setting, place->path);
}

// That the mount is what its options ask for: shmapfs makes do with less.
static int check_shmapfs(const struct side *side, struct place *place)
{
    struct shmap_status status;
    int error = shmap_status_get(place->path, &status);

    if (error < 0)
        return place_refuse(place, error, "the mount does not tell its state: %s",
                            strerror(-error));
    place->daemon = (pid_t)status.pid;
    if (side->needs_io_uring && strcmp(status.transport, "io_uring") != 0)
        return place_refuse(place, -EOPNOTSUPP, "the mount does not talk over io_uring");
    return 0;
}

int set_up_shmapfs(const struct side *side, struct place *place, const struct setting *setting)
{
    char store[PATH_MAX] = "";
    char options[256];
    const char *argv[6] = { setting->shmapfs };
    size_t argc = 1;
    int error = directory_make(side, "mnt", place, setting, place->path);

    if (error == 0 && !side->in_memory)
        error = directory_make_roomy(side, "store", place, setting, store);
    if (error < 0)
        return error;
    snprintf(options, sizeof(options), "size=%zu%s", directory_room(setting), side->mount_options);
    if (!side->in_memory)
        argv[argc++] = store;
    argv[argc++] = place->path;
    argv[argc++] = "-o";
    argv[argc] = options;
    error = command_run(&(struct command){ .argv = argv }, place->reason);
    place->mounted = error == 0;
    return error < 0 ? error : check_shmapfs(side, place);
}

// Runs the side's program, with the place's path in the arguments.
static int run_program(const struct side *side, struct place *place, const char *program,
                       const char *const argv[])
{
    if (access(program, X_OK) < 0)
        return place_refuse(place, -errno,
                            "%s has not been built: the target bench does that, libfuse's "
                            "examples where there is a C++ compiler and libfuse's source",
                            side->program);
    int error = command_run(&(struct command){ .argv = argv }, place->reason);
    if (error < 0)
        return error;
    place->mounted = true;
    place->daemon = process_with_argument(place->path);
    return place->daemon > 0 ? 0 : place_refuse(place, -ESRCH, "%s has ended", side->program);
}

int set_up_passthrough(const struct side *side, struct place *place, const struct setting *setting)
{
    char program[PATH_MAX];
    // It keeps attributes and names for a day, and passes data through, unless it is told not to.
    const char *argv[] = { program, "--nosplice", "--clone-fd", place->source, place->path, NULL };
    int error = directory_make(side, "mnt", place, setting, place->path);

    if (error == 0)
        error = side->in_memory
                    ? directory_make(side, "source", place, setting, place->source)
                    : directory_make_roomy(side, "source", place, setting, place->source);
    if (error == 0 && side->in_memory) {
        error = mount_tmpfs(side, place, setting, place->source);
        place->source_mounted = error == 0;
    }
    if (error < 0)
        return error;
    snprintf(program, sizeof(program), "%s/%s", setting->programs, side->program);
    return run_program(side, place, program, argv);
}

int set_up_program(const struct side *side, struct place *place, const struct setting *setting)
{
    char program[PATH_MAX];
    const char *argv[] = { program, "-o", side->mount_options, place->path, NULL };
    int error = directory_make(side, "mnt", place, setting, place->path);

    if (error < 0)
        return error;
    snprintf(program, sizeof(program), "%s/%s", setting->programs, side->program);
    return run_program(side, place, program, argv);
}
