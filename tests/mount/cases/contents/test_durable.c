// SPDX-License-Identifier: BSD-2-Clause
// The calls that make data durable, from every kind of descriptor; errors of the disk are
// test_disk_error.c.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void synced_from_every_descriptor(void **state)
{
    static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_APPEND, O_RDWR | O_SYNC };

    (void)state;
    int fd = new_file("file", 0);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        int opened = open_file("file", modes[i]);
        assert_int_equal(pwrite(fd, "data", 4, (off_t)i * 10000), 4);
        assert_ok(fsync(opened));
        assert_int_equal(pwrite(fd, "more", 4, (off_t)i * 10000), 4);
        assert_ok(fdatasync(opened));
        assert_ok(close(opened));
    }
    assert_ok(fsync(fd));
    assert_ok(fdatasync(fd));
    assert_ok(syncfs(fd));
    assert_ok(close(fd));
}

static void directories_are_synced(void **state)
{
    (void)state;
    assert_ok(mkdir("directory", 0755));
    int directory = open_file("directory", O_RDONLY | O_DIRECTORY);
    assert_ok(close(new_file("directory/file", 10)));
    assert_ok(fsync(directory));
    assert_ok(fdatasync(directory));
    assert_ok(rename("directory/file", "directory/other"));
    assert_ok(fsync(directory));
    assert_ok(close(directory));
}

static void stores_are_synced_by_msync_and_by_fsync(void **state)
{
    size_t length = 16 * page_size();
    char byte;

    (void)state;
    int fd = new_file("file", (off_t)length);
    char *mapping = map_shared(fd, length);
    memset(mapping, 'a', length);
    assert_ok(msync(mapping, length, MS_SYNC));
    memset(mapping, 'b', length);
    assert_ok(fsync(fd));
    memset(mapping, 'c', length);
    assert_ok(fdatasync(fd));
    assert_ok(msync(mapping + page_size(), page_size(), MS_SYNC));
    assert_int_equal(pread(fd, &byte, 1, (off_t)length - 1), 1);
    assert_int_equal(byte, 'c');
    unmap(mapping, length);
    assert_ok(close(fd));
}

static void sync_file_range_is_accepted(void **state)
{
    const unsigned all =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;

    (void)state;
    int fd = new_file("file", 0);
    assert_int_equal(pwrite(fd, "data", 4, 0), 4);
    assert_ok(sync_file_range(fd, 0, 0, all));
    assert_ok(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE));
    assert_errno(sync_file_range(fd, -1, 0, all), EINVAL);
    assert_ok(close(fd));
}

static void unlinked_file_is_synced(void **state)
{
    (void)state;
    int fd = new_file("file", 0);
    assert_ok(unlink("file"));
    assert_int_equal(pwrite(fd, "data", 4, 0), 4);
    assert_ok(fsync(fd));
    assert_ok(close(fd));
}

static int write_and_die(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    char *mapping = map_path("file", page_size());
    int fd = open("file", O_WRONLY);
    coprocess_check(mapping != NULL && fd != -1);
    coprocess_check(pwrite(fd, "by write", 8, 0) == 8);
    strcpy(mapping + 100, "by a map");
    raise(SIGKILL);
    return 1;
}

static void data_of_a_killed_process_is_there(void **state)
{
    char bytes[200] = "";

    (void)state;
    assert_ok(close(new_file("file", (off_t)page_size())));
    assert_int_equal(coprocess_run(write_and_die, NULL), 128 + SIGKILL);
    int fd = open_file("file", O_RDONLY);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_string_equal(bytes, "by write");
    assert_string_equal(bytes + 100, "by a map");
    assert_ok(close(fd));
}

/* The store's own file has what was synced, for everybody who looks there. */
static void synced_data_is_in_the_store(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[4096];
    char bytes[32] = "";

    if (fixture->area != AREA_PERSIST)
        return; // The other areas have no place to look.
    snprintf(path, sizeof(path), "%s%s/file", fixture->store, fixture->dir + strlen(fixture->mnt));
    int fd = new_file("file", (off_t)page_size());
    char *mapping = map_shared(fd, page_size());
    strcpy(mapping, "mapped and synced");
    assert_ok(msync(mapping, page_size(), MS_SYNC));
    int plain = open_file(path, O_RDONLY);
    assert_int_equal(pread(plain, bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_string_equal(bytes, "mapped and synced");
    assert_int_equal(pwrite(fd, "written", 8, 0), 8);
    assert_ok(fdatasync(fd));
    assert_int_equal(pread(plain, bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_string_equal(bytes, "written");
    assert_int_equal(size_of(plain), page_size());
    assert_ok(close(plain));
    unmap(mapping, page_size());
    assert_ok(close(fd));
}

static void write_only_file_is_synced(void **state)
{
    (void)state;
    int fd = open("file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0200);
    assert_ok(fd);
    assert_ok(close(fd));
    fd = open("file", O_WRONLY | O_CLOEXEC);
    assert_ok(fd);
    assert_int_equal(write(fd, "data", 4), 4);
    assert_ok(fsync(fd));
    assert_ok(fdatasync(fd));
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(synced_from_every_descriptor),
    cmocka_unit_test(directories_are_synced),
    cmocka_unit_test(stores_are_synced_by_msync_and_by_fsync),
    cmocka_unit_test(sync_file_range_is_accepted),
    cmocka_unit_test(unlinked_file_is_synced),
    cmocka_unit_test(data_of_a_killed_process_is_there),
    cmocka_unit_test(synced_data_is_in_the_store),
    cmocka_unit_test(write_only_file_is_synced),
};

HARNESS_MAIN("durable", cases)
