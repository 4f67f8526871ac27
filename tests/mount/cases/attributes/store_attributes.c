// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/attributes/store_attributes.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <limits.h>
#include <stdio.h>

enum { SIZE = 64 << 10 };

void assert_same_time(const char *what, struct timespec here, struct timespec there)
{
    if (compare_times(here, there) != 0)
        fail_msg("%s is %ld.%09ld, in the store %ld.%09ld", what, here.tv_sec, here.tv_nsec,
                 there.tv_sec, there.tv_nsec);
}

void path_in_store(const struct fixture *fixture, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s%s/%s", fixture->store, fixture->dir + strlen(fixture->mnt), name);
}

void assert_same_in_store(void **state, const char *name)
{
    const struct fixture *fixture = fixture_of(state);
    if (fixture->area != AREA_PERSIST)
        return;
    char path[PATH_MAX];
    path_in_store(fixture, name, path);
    struct stat here = stat_of(name), there = stat_of(path);
    assert_int_equal(here.st_size, there.st_size);
    assert_int_equal(here.st_blocks, there.st_blocks);
    assert_int_equal(here.st_mode, there.st_mode);
    assert_int_equal(here.st_nlink, there.st_nlink);
    assert_same_time("mtime", here.st_mtim, there.st_mtim);
    if (!fixture->cached || compare_times(here.st_ctim, there.st_ctim) > 0)
        assert_same_time("ctime", here.st_ctim, there.st_ctim);
}

void assert_later(struct timespec now, struct timespec before)
{
    if (compare_times(now, before) <= 0)
        fail_msg("the time stamp has not moved");
}

void assert_mapped_write_seen(const struct fixture *fixture, struct timespec before)
{
    struct stat attr = stat_of("file"), again = lstat_of("file");
    if (!fixture->memory)
        assert_later(attr.st_mtim, before);
    assert_int_equal(compare_times(attr.st_mtim, again.st_mtim), 0);
    assert_int_equal(attr.st_size, SIZE);
}
