// SPDX-License-Identifier: BSD-2-Clause
//
// Opening and closing files that go with their last user, beside ordinary ones. Something keeps
// them meanwhile: a descriptor, a mapping alone, or that they linger; of those the daemon looks
// after each close whether they are to go.
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "names.h"
#include "tests/mount/harness/sandbox.h"

enum {
    FILES = 100,
    LAPS = 10,
    LINGER_SECONDS = 3600,
    MAP_BYTES = 4096,
};

enum keeper { NOBODY_KEEPS, KEPT_OPEN, KEPT_MAPPED };

// A directory, and what its files are kept by.
struct kept {
    const char *group;
    struct shmap_lifetime lifetime;
    enum keeper keeper;
};

// clang-format off
static const struct kept kept_by[][2] = {
    { { "unused", { .last_close = false }, NOBODY_KEEPS },
      { "unused-last", { .last_close = true, .linger = LINGER_SECONDS }, NOBODY_KEEPS } },
    { { "held", { .last_close = false }, KEPT_OPEN },
      { "held-last", { .last_close = true }, KEPT_OPEN } },
    { { "mapped", { .last_close = false }, KEPT_MAPPED },
      { "mapped-last", { .last_close = true }, KEPT_MAPPED } },
};
// clang-format on

// The descriptors and mappings that keep the files.
struct keepers {
    unsigned count;
    int fds[FILES];
    void *maps[FILES];
};

static void let_go(struct keepers *keepers)
{
    for (unsigned i = 0; i < keepers->count; i++) {
        if (keepers->maps[i] != NULL)
            munmap(keepers->maps[i], MAP_BYTES);
        if (keepers->fds[i] >= 0)
            close(keepers->fds[i]);
    }
}

static int keep_one(int dir_fd, const struct kept *kept, struct keepers *keepers)
{
    char name[NAME_SIZE];
    unsigned at = keepers->count;

    name_write(name, KIND_FILE, at);
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, MAP_BYTES) < 0)
        return -errno;
    keepers->fds[at] = fd;
    keepers->maps[at] = NULL;
    keepers->count++;
    if (kept->keeper == KEPT_OPEN)
        return 0;
    if (kept->keeper == KEPT_MAPPED) {
        void *map = mmap(NULL, MAP_BYTES, PROT_READ, MAP_SHARED, fd, 0);

        if (map == MAP_FAILED)
            return -errno;
        keepers->maps[at] = map;
    }
    keepers->fds[at] = -1;
    close(fd);
    return 0;
}

static int time_laps(int dir_fd, double *seconds)
{
    const struct names names = { dir_fd, KIND_FILE, 0, FILES };
    int error = names_call(&names, name_open); // not counted: it warms
    double start = work_clock();

    for (unsigned i = 0; i < LAPS && error == 0; i++)
        error = names_call(&names, name_open);
    *seconds = (work_clock() - start) / (LAPS * FILES);
    return error;
}

static int set_lifetime(struct subject *subject, const char *path, const struct kept *kept)
{
    int error = shmap_lifetime_set(path, &kept->lifetime);

    return error < 0
               ? subject_refuse(subject, error, "its files have no lifetime (%s)", strerror(-error))
               : 0;
}

static int run_open_kept(struct subject *subject, double *seconds)
{
    const struct kept *kept = subject->work->kind;
    struct keepers keepers = { .count = 0 };
    char path[PATH_MAX];
    int error = 0;

    names_directory(subject, kept->group, path);
    int dir_fd = names_open_directory(AT_FDCWD, path);
    if (dir_fd < 0)
        return dir_fd;
    // The ordinary ones, too: they are for sides that have the others.
    error = set_lifetime(subject, path, kept);
    for (unsigned i = 0; i < FILES && error == 0; i++)
        error = keep_one(dir_fd, kept, &keepers);
    if (error == 0)
        error = time_laps(dir_fd, seconds);
    let_go(&keepers);
    close(dir_fd);
    sandbox_remove_tree(path);
    return error;
}

static const struct work works[] = {
    { .name = "unused: open+close", .run = run_open_kept, .kind = &kept_by[0][0] },
    { .name = "lingering last-close: open+close", .run = run_open_kept, .kind = &kept_by[0][1] },
    { .name = "held: open+close", .run = run_open_kept, .kind = &kept_by[1][0] },
    { .name = "held last-close: open+close", .run = run_open_kept, .kind = &kept_by[1][1] },
    { .name = "mapped: open+close", .run = run_open_kept, .kind = &kept_by[2][0] },
    { .name = "mapped last-close: open+close", .run = run_open_kept, .kind = &kept_by[2][1] },
};

const struct work_group last_close_works = {
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
};
