// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/classes/last_close.h"

#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool is_missing(void *path)
{
    return !exists(path);
}

void assert_goes(const char *path)
{
    char copy[64];

    snprintf(copy, sizeof(copy), "%s", path);
    assert_true(becomes_true(is_missing, copy));
}

void assert_stays(const char *path)
{
    for (int i = 0; i < 3; i++) {
        put_file("mnt/canary", "x");
        assert_goes("mnt/canary");
    }
    assert_true(exists(path));
}

void assert_set_lifetime(const char *path, const char *value, int error)
{
    int result = setxattr(path, LIFETIME, value, strlen(value), 0);

    assert_int_equal(result == 0 ? 0 : errno, error);
}

void assert_lifetime(const char *path, const char *value)
{
    char found[64] = "";

    assert_true(getxattr(path, LIFETIME, found, sizeof(found) - 1) >= 0);
    assert_string_equal(found, value);
}

int open_used_file(void)
{
    int fd = open(USED_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0700);

    return fd >= 0 && ftruncate(fd, (off_t)(FILE_PAGES * page_size())) == 0 ? fd : -1;
}
