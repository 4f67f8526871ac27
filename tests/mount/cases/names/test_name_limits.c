// SPDX-License-Identifier: BSD-2-Clause
/* Names and paths as long, and directories as deep, as they can be. */
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static void names_of_255_bytes(void **state)
{
    (void)state;
    char name[258], found[258];
    for (int first = 1; first < 256; first++) {
        if (first == '/')
            continue;
        // Every byte but NUL and slash, in no encoding at all.
        for (int i = 0; i < 255; i++) {
            int byte = (first + i) % 256;
            name[i] = (char)(byte == 0 || byte == '/' ? 0x80 : byte);
        }
        name[255] = '\0';
        assert_ok(mknod(name, S_IFREG | 0644, 0));
        assert_true(S_ISREG(lstat_of(name).st_mode));
        int fd = open_file(name, O_PATH);
        char link[64];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        char target[PATH_MAX];
        ssize_t length = readlink(link, target, sizeof(target));
        assert_true(length > 255);
        memcpy(found, target + length - 255, 255);
        found[255] = '\0';
        assert_string_equal(found, name);
        assert_ok(close(fd));
        assert_ok(unlink(name));
    }
}

static void names_of_256_bytes_are_refused(void **state)
{
    (void)state;
    char name[257];
    memset(name, 'n', 256);
    name[256] = '\0';
    put_file("file", "");
    assert_errno(open(name, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
    assert_errno(open(name, O_RDONLY), ENAMETOOLONG);
    assert_errno(access(name, F_OK), ENAMETOOLONG);
    assert_errno(mkdir(name, 0755), ENAMETOOLONG);
    assert_errno(mkfifo(name, 0644), ENAMETOOLONG);
    assert_errno(symlink("file", name), ENAMETOOLONG);
    assert_errno(link("file", name), ENAMETOOLONG);
    assert_errno(rename("file", name), ENAMETOOLONG);
    assert_errno(rename(name, "file"), ENAMETOOLONG);
    assert_errno(unlink(name), ENAMETOOLONG);
    assert_errno(rmdir(name), ENAMETOOLONG);
    assert_int_equal(pathconf(".", _PC_NAME_MAX), 255);
}

static void paths_up_to_the_limit(void **state)
{
    (void)state;
    char path[PATH_MAX + 2];
    // "./././…file" with 4095 bytes is a path; one more is too long.
    for (size_t i = 0; i + 1 < PATH_MAX; i += 2)
        memcpy(path + i, "./", 2);
    memcpy(path + PATH_MAX - 1 - 5, "/file", 6);
    put_file("file", "deep");
    assert_int_equal(strlen(path), PATH_MAX - 1);
    assert_content(path, "deep");
    memcpy(path + PATH_MAX - 1 - 5, "//file", 7);
    assert_errno(open(path, O_RDONLY), ENAMETOOLONG);
}

// Far deeper than one path can say.
static void deep_directories(void **state)
{
    (void)state;
    enum { DEPTH = 200 };
    char name[201];
    memset(name, 'd', 200);
    name[200] = '\0';
    for (int depth = 0; depth < DEPTH; depth++) {
        assert_ok(mkdir(name, 0755));
        assert_ok(chdir(name));
    }
    put_file("file", "bottom");
    assert_content("file", "bottom");
    assert_ok(unlink("file"));
    for (int depth = 0; depth < DEPTH; depth++) {
        assert_ok(chdir(".."));
        assert_ok(rmdir(name));
    }
    assert_int_equal(stat_of(".").st_ino, stat_of(fixture_of(state)->dir).st_ino);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(names_of_255_bytes),
    cmocka_unit_test(names_of_256_bytes_are_refused),
    cmocka_unit_test(paths_up_to_the_limit),
    cmocka_unit_test(deep_directories),
};

HARNESS_MAIN("name_limits", cases)
