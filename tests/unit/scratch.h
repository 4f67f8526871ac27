// SPDX-License-Identifier: BSD-2-Clause
/* A directory of its own for each test: its absolute path is in *state. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline int make_scratch(void **state)
{
    char name[] = "unit-XXXXXX";
    if (mkdtemp(name) == NULL)
        return -1;
    *state = realpath(name, NULL);
    return *state == NULL ? -1 : 0;
}

/* The same in memory where that can be had, for tests that write much. */
static inline int make_scratch_in_memory(void **state)
{
    char name[] = "/dev/shm/unit-XXXXXX";
    if (mkdtemp(name) == NULL)
        return make_scratch(state);
    *state = strdup(name);
    return *state == NULL ? -1 : 0;
}

static inline int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int remove_scratch(void **state)
{
    int error = nftw(*state, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(*state);
    return error;
}

static inline int open_dir(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Makes a directory for each area below the scratch one, and opens them. */
static inline void make_area_roots(const char *path, int *store, int *ram)
{
    int scratch = open_dir(AT_FDCWD, path);
    assert_int_equal(mkdirat(scratch, "store", 0755) | mkdirat(scratch, "ram", 0755), 0);
    *store = open_dir(scratch, "store");
    *ram = open_dir(scratch, "ram");
    close(scratch);
}

#define SCRATCH_TEST(function) \
    cmocka_unit_test_setup_teardown(function, make_scratch, remove_scratch)

#define MEMORY_SCRATCH_TEST(function) \
    cmocka_unit_test_setup_teardown(function, make_scratch_in_memory, remove_scratch)

#endif
