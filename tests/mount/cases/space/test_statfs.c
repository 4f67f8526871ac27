// SPDX-License-Identifier: BSD-2-Clause
// statfs, as df shows it, tells of the area that the path is in, and not of the other one.
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

static struct statvfs space_of(const char *path)
{
    struct statvfs space;
    assert_ok(statvfs(path, &space));
    return space;
}

static unsigned long long bytes_of(const char *path)
{
    struct statvfs space = space_of(path);
    return (unsigned long long)space.f_blocks * space.f_frsize;
}

static unsigned long long free_bytes_of(const char *path)
{
    struct statvfs space = space_of(path);
    return (unsigned long long)space.f_bfree * space.f_frsize;
}

static void numbers_make_sense(void **state)
{
    (void)state;
    struct statvfs space = space_of(".");
    assert_true(space.f_frsize >= 512 && space.f_bsize >= 512);
    assert_true(space.f_bavail <= space.f_bfree && space.f_bfree <= space.f_blocks);
    assert_true(space.f_ffree <= space.f_files && space.f_files > 0);
    assert_int_equal(space.f_namemax, 255);
    assert_int_equal(space.f_flag & ST_RDONLY, 0);
}

static void size_is_that_of_the_area(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    if (fixture->area == AREA_RAM || fixture->area == AREA_ANON)
        assert_int_equal(bytes_of("."), HARNESS_AREA_SIZE);
    else if (fixture->area == AREA_PERSIST) {
        struct statvfs here = space_of("."), there = space_of(fixture->store);
        assert_int_equal(bytes_of("."), bytes_of(fixture->store));
        assert_int_equal(here.f_files, there.f_files);
        // Others use the disk too, but not that much in between.
        long long difference = (long long)(free_bytes_of(".") - free_bytes_of(fixture->store));
        assert_true(llabs(difference) < 1LL << 30);
    } else
        assert_true(bytes_of(".") >= free_bytes_of("."));
}

static void two_areas_of_one_mount_differ(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[4200];
    if (fixture->store == NULL) {
        assert_int_equal(bytes_of("."), bytes_of(fixture->mnt));
        return;
    }
    snprintf(path, sizeof(path), "%s/anon", fixture->mnt);
    assert_int_equal(bytes_of(path), HARNESS_AREA_SIZE);
    snprintf(path, sizeof(path), "%s/persist", fixture->mnt);
    assert_int_equal(bytes_of(path), bytes_of(fixture->store));
    assert_int_equal(bytes_of(fixture->mnt), bytes_of(fixture->store));
}

static void asked_by_file_directory_and_descriptor(void **state)
{
    (void)state;
    struct statvfs by_fd;
    put_file("file", "");
    assert_ok(mkdir("directory", 0755));
    int fd = open_file("file", O_RDONLY);
    assert_ok(fstatvfs(fd, &by_fd));
    assert_int_equal(by_fd.f_blocks, space_of(".").f_blocks);
    assert_int_equal(bytes_of("file"), bytes_of("."));
    assert_int_equal(bytes_of("directory"), bytes_of("."));
    assert_ok(unlink("file"));
    assert_ok(fstatvfs(fd, &by_fd));
    assert_int_equal(by_fd.f_blocks, space_of(".").f_blocks);
    assert_ok(close(fd));
    struct statvfs none;
    assert_errno(statvfs("nothing", &none), ENOENT);
}

// Others use the disk, too, and may take or give back as much just then.
static bool is_shown(void *argument)
{
    enum { SIZE = 64 << 20 };
    const struct fixture *fixture = argument;
    unsigned long long before = free_bytes_of(".");
    int fd = open_file("file", O_RDWR | O_CREAT);
    assert_ok(posix_fallocate(fd, 0, SIZE));
    long long used = (long long)(before - free_bytes_of("."));
    if (fixture->memory)
        assert_int_equal(used, SIZE);
    assert_ok(ftruncate(fd, 0));
    long long left = (long long)(before - free_bytes_of("."));
    assert_ok(close(fd));
    return used > SIZE / 2 && left < SIZE / 2;
}

static void use_is_shown_at_once(void **state)
{
    if (fixture_of(state)->memory)
        assert_true(is_shown(fixture_of(state)));
    else
        assert_true(becomes_true(is_shown, fixture_of(state)));
}

// The last files of the case before may still be on their way out: so there are more of these than
// of them.
static void files_are_counted_at_once(void **state)
{
    enum { COUNT = 100 };
    char name[32];
    if (!fixture_of(state)->memory)
        return; // on the disk, others make and remove files too
    unsigned long before = space_of(".").f_ffree;
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "file%d", i);
        assert_ok(mknod(name, S_IFREG | 0644, 0));
    }
    unsigned long during = space_of(".").f_ffree;
    assert_true(before - during > COUNT / 2 && before - during <= COUNT);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(numbers_make_sense),
    cmocka_unit_test(size_is_that_of_the_area),
    cmocka_unit_test(two_areas_of_one_mount_differ),
    cmocka_unit_test(asked_by_file_directory_and_descriptor),
    cmocka_unit_test(use_is_shown_at_once),
    cmocka_unit_test(files_are_counted_at_once),
};

HARNESS_MAIN("statfs", cases)
