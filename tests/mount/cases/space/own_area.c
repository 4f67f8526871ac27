// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/space/own_area.h"

#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/shmap.h"

int set_area(const char *path, const char *words)
{
    return setxattr(path, SHMAP_XATTR_AREA, words, strlen(words), 0);
}

void make_limited(const char *path, const char *words)
{
    char value[300];

    snprintf(value, sizeof(value), "anon,%s", words);
    make_class_root(path, value);
}

void assert_area(const char *path, const char *words)
{
    char now[SHMAP_AREA_WORDS_MAX];
    int error = shmap_area_get(path, now);

    assert_int_equal(error, words ? 0 : -ENODATA);
    if (words)
        assert_string_equal(now, words);
}

uint64_t assert_limit(const char *path, uint64_t bytes)
{
    struct statvfs vfs;

    assert_ok(statvfs(path, &vfs));
    assert_int_equal((uint64_t)vfs.f_blocks * vfs.f_frsize, bytes);
    return (uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize;
}

uint64_t fill_up(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    char page[4096];
    uint64_t bytes = 0;
    ssize_t length;

    memset(page, 'x', sizeof(page));
    while ((length = write(fd, page, sizeof(page))) > 0)
        bytes += (uint64_t)length;
    if (errno != ENOSPC || close(fd) != 0)
        return UINT64_MAX;
    return bytes;
}

size_t count_areas(const struct workspace *workspace)
{
    struct shmap_own_area *areas;
    size_t count;

    assert_int_equal(shmap_areas_get(workspace->mnt, &areas, &count), 0);
    free(areas);
    return count;
}
