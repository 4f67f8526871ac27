// SPDX-License-Identifier: BSD-2-Clause
#include "side.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static int __attribute__((format(printf, 3, 4)))
refuse(struct place *place, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(place->reason, sizeof(place->reason), format, args);
    va_end(args);
    return error;
}

// Makes the directory SCRATCH/PREFIX-SIDE.
static int make_directory(const struct side *side, const char *prefix,
                          const struct setting *setting, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s-%s", setting->scratch, prefix, side->name);
    return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

// Room for the big file, the small ones and what the filesystem needs itself.
static size_t room_needed(const struct setting *setting)
{
    return setting->size + setting->size / 8 + (128 << 20);
}

static int set_up_tmpfs(const struct side *side, struct place *place, const struct setting *setting)
{
    char options[256];
    int error = make_directory(side, "mnt", setting, place->path);

    if (error < 0)
        return refuse(place, error, "%s: %s", place->path, strerror(-error));
    snprintf(options, sizeof(options), "size=%zu%s", room_needed(setting), side->mount_options);
    if (mount("shmapfs-bench", place->path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0)
        return refuse(place, -errno, "mounting tmpfs with %s: %s", options, strerror(errno));
    place->mounted = true;
    return 0;
}

static int set_up_directory(const struct side *side, struct place *place,
                            const struct setting *setting)
{
    struct statvfs fs;
    int error = make_directory(side, "dir", setting, place->path);

    if (error < 0)
        return refuse(place, error, "%s: %s", place->path, strerror(-error));
    if (statvfs(place->path, &fs) < 0)
        return refuse(place, -errno, "%s: %s", place->path, strerror(errno));
    if (fs.f_bavail * fs.f_frsize < room_needed(setting))
        return refuse(place, -ENOSPC, "%s has less than %zu MiB free", setting->scratch,
                      room_needed(setting) >> 20);
    return 0;
}

// Runs the daemon, which returns when its mount is ready. What it says on stderr is the reason when
// it fails.
static int run_daemon(struct place *place, const char *const argv[])
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status;
    ssize_t length;
    int messages = memfd_create("messages", MFD_CLOEXEC);

    if (messages < 0)
        return refuse(place, -errno, "memfd_create: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        close(messages);
        return refuse(place, -error, "%s: %s", argv[0], strerror(error));
    }
    if (waitpid(pid, &status, 0) == pid && status != 0) {
        length = pread(messages, place->reason, sizeof(place->reason) - 1, 0);
        place->reason[length < 0 ? 0 : length] = '\0';
        place->reason[strcspn(place->reason, "\n")] = '\0';
        if (place->reason[0] == '\0')
            refuse(place, -EIO, "%s failed with wait status %d", argv[0], status);
        error = -EIO;
    }
    close(messages);
    return error;
}

static int set_up_shmapfs(const struct side *side, struct place *place,
                          const struct setting *setting)
{
    char store[PATH_MAX] = "";
    char options[256];
    int error = make_directory(side, "mnt", setting, place->path);

    if (error == 0 && !side->in_memory)
        error = make_directory(side, "store", setting, store);
    if (error < 0)
        return refuse(place, error, "%s: %s", setting->scratch, strerror(-error));
    snprintf(options, sizeof(options), "size=%zu%s", room_needed(setting), side->mount_options);

    const char *argv[6] = { setting->shmapfs };
    size_t argc = 1;
    if (!side->in_memory)
        argv[argc++] = store;
    argv[argc++] = place->path;
    argv[argc++] = "-o";
    argv[argc] = options;
    error = run_daemon(place, argv);
    place->mounted = error == 0;
    return error;
}

// clang-format off
const struct side sides[] = {
    { .name = "anon", .what = "shmapfs, anonymous files", .in_memory = true,
      .set_up = set_up_shmapfs, .mount_options = ",huge=within_size",
      .baselines = { "tmpfs-huge", "tmpfs" } },
    { .name = "persist", .what = "shmapfs, persisted files",
      .set_up = set_up_shmapfs, .mount_options = "",
      .baselines = { "directory" } },
    { .name = "anon-nopassthrough", .what = "anon with -o nopassthrough", .in_memory = true,
      .on_demand = true, .set_up = set_up_shmapfs,
      .mount_options = ",huge=within_size,nopassthrough",
      .baselines = { "tmpfs-huge", "tmpfs" } },
    { .name = "persist-nopassthrough", .what = "persist with -o nopassthrough",
      .on_demand = true, .set_up = set_up_shmapfs, .mount_options = ",nopassthrough",
      .baselines = { "directory" } },
    { .name = "tmpfs-huge", .what = "tmpfs with huge=within_size", .in_memory = true,
      .set_up = set_up_tmpfs, .mount_options = ",huge=within_size" },
    { .name = "tmpfs", .what = "tmpfs as it is by default", .in_memory = true,
      .set_up = set_up_tmpfs, .mount_options = "" },
    { .name = "directory", .what = "the store's own filesystem",
      .set_up = set_up_directory, .mount_options = "" },
};
// clang-format on
const size_t side_count = sizeof(sides) / sizeof(sides[0]);

const struct side *side_find(const char *name)
{
    for (size_t i = 0; i < side_count; i++) {
        if (strcmp(sides[i].name, name) == 0)
            return &sides[i];
    }
    return NULL;
}

int side_open(const struct side *side, struct place *place, const struct setting *setting)
{
    *place = (struct place){ .dir_fd = -1 };
    int error = side->set_up(side, place, setting);

    if (error < 0)
        return error;
    place->dir_fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->dir_fd < 0)
        return refuse(place, -errno, "%s: %s", place->path, strerror(errno));
    return 0;
}

void side_close(struct place *place)
{
    if (place->dir_fd >= 0)
        close(place->dir_fd);
    place->dir_fd = -1;
    if (place->mounted && umount2(place->path, UMOUNT_NOFOLLOW) < 0)
        fprintf(stderr, "bench: %s cannot be unmounted: %s\n", place->path, strerror(errno));
    place->mounted = false;
}
