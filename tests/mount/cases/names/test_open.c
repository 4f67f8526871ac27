// SPDX-License-Identifier: BSD-2-Clause
// All opens of one object go together, in whatever modes, by whatever permission.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const int modes[] = {
    O_RDONLY,
    O_WRONLY,
    O_RDWR,
    O_RDONLY | O_SYNC,
    O_WRONLY | O_APPEND,
    O_RDWR | O_APPEND,
    O_RDONLY | O_NOFOLLOW,
    O_RDWR | O_DSYNC,
    O_WRONLY | O_NONBLOCK,
    O_RDONLY | O_DIRECT,
    O_RDWR | O_DIRECT,
};
enum { MODES = sizeof(modes) / sizeof(modes[0]) };

/* An open that may only fail where the area itself has no O_DIRECT. */
static int open_mode(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);

    if (fd == -1 && !((flags & O_DIRECT) && errno == EINVAL))
        fail_msg("open %s with %#o: %s", path, (unsigned)flags, strerror(errno));
    return fd;
}

static void use(int fd, int flags)
{
    char bytes[8];

    if (fd == -1 || (flags & O_DIRECT))
        return;
    if ((flags & O_ACCMODE) != O_WRONLY)
        assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
    if ((flags & O_ACCMODE) != O_RDONLY)
        assert_int_equal(pwrite(fd, "x", 1, 0), 1);
}

static void every_pair_of_modes_goes_together(void **state)
{
    (void)state;
    for (int i = 0; i < MODES; i++) {
        for (int j = 0; j < MODES; j++) {
            assert_ok(close(new_file("file", 4096)));
            int first = open_mode("file", modes[i]);
            use(first, modes[i]);
            int second = open_mode("file", modes[j]);
            use(second, modes[j]);
            use(first, modes[i]);
            if (first != -1)
                assert_ok(close(first));
            use(second, modes[j]);
            if (second != -1)
                assert_ok(close(second));
            assert_ok(unlink("file"));
        }
    }
}

static void all_modes_at_once_with_a_mapping(void **state)
{
    int fds[MODES];

    (void)state;
    int fd = new_file("file", 4096);
    char *mapping = map_shared(fd, 4096);
    assert_ok(close(fd));
    for (int i = 0; i < MODES; i++)
        fds[i] = open_mode("file", modes[i]);
    mapping[1] = 'm';
    for (int i = 0; i < MODES; i++) {
        use(fds[i], modes[i]);
        if (fds[i] != -1)
            assert_ok(close(fds[i]));
    }
    assert_int_equal(mapping[1], 'm');
    unmap(mapping, 4096);
}

static int open_and_close_all_modes(struct coprocess *parent, void *argument)
{
    (void)argument;
    coprocess_check(coprocess_await_turn(parent));
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < MODES; i++) {
            int fd = open("file", modes[i]);
            if (fd == -1 && (modes[i] & O_DIRECT) && errno == EINVAL)
                continue;
            coprocess_check(fd != -1);
            if ((modes[i] & (O_ACCMODE | O_DIRECT)) == O_RDWR)
                coprocess_check(pwrite(fd, "y", 1, 5) == 1);
            coprocess_check(close(fd) == 0);
        }
    }
    return 0;
}

static void racing_openers_all_succeed(void **state)
{
    struct coprocess coprocesses[4];

    (void)state;
    assert_ok(close(new_file("file", 4096)));
    for (int i = 0; i < 4; i++)
        assert_int_equal(coprocess_start(&coprocesses[i], open_and_close_all_modes, NULL), 0);
    for (int i = 0; i < 4; i++)
        assert_true(coprocess_give_turn(&coprocesses[i]));
    for (int i = 0; i < 4; i++)
        assert_coprocess_succeeds(&coprocesses[i]);
}

static void write_only_keeps_the_rest_of_the_page(void **state)
{
    char bytes[16] = "";

    (void)state;
    int fd = new_file("file", 0);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    assert_ok(close(fd));
    fd = open_file("file", O_WRONLY);
    assert_int_equal(pwrite(fd, "ab", 2, 4), 2);
    assert_ok(close(fd));
    fd = open_file("file", O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "Z", 1), 1);
    assert_ok(fsync(fd));
    assert_ok(close(fd));
    fd = open_file("file", O_RDONLY);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), 11);
    assert_string_equal(bytes, "0123ab6789Z");
    assert_ok(close(fd));
}

/* Write permission without read permission is enough to write a part of a page. */
static void file_that_may_only_be_written(void **state)
{
    char bytes[16] = "";

    (void)state;
    int fd = new_file("file", 0);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    assert_ok(close(fd));
    assert_ok(chmod("file", 0200));
    fd = open_file("file", O_WRONLY);
    assert_int_equal(pwrite(fd, "ab", 2, 4), 2);
    assert_ok(close(fd));
    if (!fixture_of(state)->root)
        assert_errno(open("file", O_RDONLY), EACCES);
    assert_ok(chmod("file", 0400));
    fd = open_file("file", O_RDONLY);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), 10);
    assert_string_equal(bytes, "0123ab6789");
    if (!fixture_of(state)->root)
        assert_errno(open("file", O_WRONLY), EACCES);
    assert_ok(close(fd));
}

/* The descriptor from creation may do what its open mode says, whatever the mode of the file. */
static void created_without_permission_for_its_creator(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = open("file", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0);
    assert_ok(fd);
    assert_ok(ftruncate(fd, (off_t)page));
    char *mapping = map_shared(fd, page);
    strcpy(mapping, "mapped");
    assert_int_equal(pwrite(fd, "M", 1, 0), 1);
    assert_string_equal(mapping, "Mapped");
    if (!fixture_of(state)->root)
        assert_errno(open("file", O_RDONLY), EACCES);
    assert_ok(fchmod(fd, 0400));
    int reader = open_file("file", O_RDONLY);
    char *again = map_fd(reader, page, PROT_READ, MAP_SHARED);
    assert_string_equal(again, "Mapped");
    mapping[0] = 'm';
    assert_string_equal(again, "mapped");
    unmap(again, page);
    unmap(mapping, page);
    assert_ok(close(reader));
    assert_ok(close(fd));
}

static void permission_taken_while_open(void **state)
{
    char bytes[8] = "";

    (void)state;
    int fd = new_file("file", 0);
    int writer = open_file("file", O_WRONLY);
    assert_ok(chmod("file", 0));
    assert_int_equal(write(writer, "after", 5), 5);
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 5);
    assert_string_equal(bytes, "after");
    assert_ok(ftruncate(writer, 2));
    assert_int_equal(size_of(fd), 2);
    assert_ok(close(writer));
    assert_ok(close(fd));
}

static void reopened_by_descriptor(void **state)
{
    char path[64];
    char bytes[8] = "";

    (void)state;
    int fd = new_file("file", 0);
    assert_ok(unlink("file"));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int writer = open_file(path, O_WRONLY | O_APPEND);
    int reader = open_file(path, O_RDONLY);
    assert_int_equal(write(writer, "unnamed", 7), 7);
    assert_int_equal(read(reader, bytes, 7), 7);
    assert_string_equal(bytes, "unnamed");
    int emptier = open_file(path, O_RDWR | O_TRUNC);
    assert_int_equal(size_of(fd), 0);
    assert_ok(close(emptier));
    assert_ok(close(writer));
    assert_ok(close(reader));
    assert_ok(close(fd));
}

static void truncated_by_open(void **state)
{
    (void)state;
    int fd = new_file("file", 100);
    int emptier = open_file("file", O_WRONLY | O_TRUNC);
    assert_int_equal(size_of(fd), 0);
    assert_int_equal(pwrite(fd, "x", 1, 50), 1);
    assert_ok(close(emptier));
    emptier = open_file("file", O_RDWR | O_CREAT | O_TRUNC);
    assert_int_equal(size_of(fd), 0);
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 0), 0);
    assert_ok(close(emptier));
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(every_pair_of_modes_goes_together),
    cmocka_unit_test(all_modes_at_once_with_a_mapping),
    cmocka_unit_test(racing_openers_all_succeed),
    cmocka_unit_test(write_only_keeps_the_rest_of_the_page),
    cmocka_unit_test(file_that_may_only_be_written),
    cmocka_unit_test(created_without_permission_for_its_creator),
    cmocka_unit_test(permission_taken_while_open),
    cmocka_unit_test(reopened_by_descriptor),
    cmocka_unit_test(truncated_by_open),
};

HARNESS_MAIN("open", cases)
