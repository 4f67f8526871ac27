// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/space/numbered_files.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

const char *numbered(int number, char path[64])
{
    snprintf(path, 64, "mnt/d%d/file%d", number / 1000, number);
    return path;
}

void make_files(int count)
{
    char path[64];

    for (int i = 0; i < count; i++) {
        if (i % 1000 == 0) {
            snprintf(path, sizeof(path), "mnt/d%d", i / 1000);
            assert_ok(mkdir(path, 0755));
        }
        int fd = open(numbered(i, path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        assert_ok(fd);
        assert_int_equal(write(fd, &i, sizeof(i)), sizeof(i));
        assert_ok(close(fd));
    }
}

void read_files(int count)
{
    char path[64];

    for (int i = 0; i < count; i++) {
        int number = -1;
        int fd = open_file(numbered(i, path), O_RDONLY);
        assert_int_equal(read(fd, &number, sizeof(number)), sizeof(number));
        assert_int_equal(number, i);
        assert_ok(close(fd));
    }
}

void stat_files(int count)
{
    char path[64];

    for (int i = 0; i < count; i++)
        assert_int_equal(stat_of(numbered(i, path)).st_size, sizeof(int));
}
