// SPDX-License-Identifier: BSD-2-Clause
// Data that the kernel moves by itself: copy_file_range, sendfile, splice.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 300000 };

static void make_bytes(char *bytes)
{
    for (int i = 0; i < SIZE; i++)
        bytes[i] = (char)(i % 251);
}

/* A file of SIZE bytes that is dirty in a mapping and nowhere synced. */
static int new_source(const char *path)
{
    int fd = new_file(path, SIZE);
    char *mapping = map_shared(fd, SIZE);

    make_bytes(mapping);
    unmap(mapping, SIZE);
    return fd;
}

/* Checks that the bytes of the file from this offset on are those of a source. */
static void assert_is_copy(int fd, off_t offset)
{
    char *wanted = malloc(SIZE);
    char *bytes = malloc(SIZE);

    assert_non_null(wanted);
    assert_non_null(bytes);
    make_bytes(wanted);
    assert_int_equal(pread(fd, bytes, SIZE, offset), SIZE);
    assert_memory_equal(bytes, wanted, SIZE);
    free(wanted);
    free(bytes);
}

static void copy_range(int from, int to, off_t to_offset)
{
    off_t from_offset = 0;
    off_t end = to_offset + SIZE;

    while (to_offset < end) {
        ssize_t count =
            copy_file_range(from, &from_offset, to, &to_offset, (size_t)(end - to_offset), 0);
        if (count <= 0)
            fail_msg("copy_file_range: %zd, errno %d (%s)", count, errno, strerror(errno));
    }
    assert_int_equal(from_offset, SIZE);
}

static void copy_file_range_copies(void **state)
{
    (void)state;
    int source = new_source("source");
    int target = new_file("target", 0);
    char *mapping = map_shared(target, 4096);
    copy_range(source, target, 0);
    assert_int_equal(size_of(target), SIZE);
    assert_int_equal(mapping[250], (char)250);
    assert_is_copy(target, 0);
    copy_range(source, target, 12345);
    assert_is_copy(target, 12345);
    assert_int_equal(mapping[250], (char)250);
    assert_int_equal(lseek(target, 0, SEEK_CUR), 0);
    unmap(mapping, 4096);
    assert_ok(close(target));
    assert_ok(close(source));
}

static void copy_file_range_inside_one_file(void **state)
{
    off_t from = 0;
    off_t to = 100;

    (void)state;
    int fd = new_source("file");
    copy_range(fd, fd, SIZE + 777);
    assert_int_equal(size_of(fd), 2 * SIZE + 777);
    assert_is_copy(fd, 0);
    assert_is_copy(fd, SIZE + 777);
    assert_errno(copy_file_range(fd, &from, fd, &to, 1000, 0), EINVAL); // They overlap.
    assert_ok(close(fd));
}

static void refused_copies(void **state)
{
    off_t end = SIZE;

    (void)state;
    int source = new_source("source");
    int target = new_file("target", 0);
    int reader = open_file("target", O_RDONLY);
    int writer = open_file("source", O_WRONLY);
    int appender = open_file("target", O_WRONLY | O_APPEND);
    int directory = open_file(".", O_RDONLY | O_DIRECTORY);
    assert_errno(copy_file_range(source, NULL, reader, NULL, 10, 0), EBADF);
    assert_errno(copy_file_range(writer, NULL, target, NULL, 10, 0), EBADF);
    assert_errno(copy_file_range(source, NULL, appender, NULL, 10, 0), EBADF);
    assert_errno(copy_file_range(source, NULL, target, NULL, 10, 1), EINVAL);
    assert_errno(copy_file_range(directory, NULL, target, NULL, 10, 0), EISDIR);
    assert_int_equal(copy_file_range(source, &end, target, NULL, 10, 0), 0);
    assert_int_equal(size_of(target), 0);
    assert_ok(close(directory));
    assert_ok(close(appender));
    assert_ok(close(writer));
    assert_ok(close(reader));
    assert_ok(close(target));
    assert_ok(close(source));
}

/* Copies from one area to the other, and from and to another filesystem, as `cp` does it. */
static void copies_across_areas(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    char path[4096];

    if (fixture->store == NULL)
        return; // There is one area only.
    snprintf(path, sizeof(path), "%s/%s/copied", fixture->mnt,
             fixture->area == AREA_ANON ? "persist" : "anon");
    int source = new_source("source");
    int target = new_file(path, 0);
    copy_range(source, target, 0);
    assert_is_copy(target, 0);
    assert_int_equal(lseek(target, 0, SEEK_SET), 0);
    int back = new_file("back", 0);
    copy_range(target, back, 0);
    assert_is_copy(back, 0);
    assert_ok(close(back));
    assert_ok(close(target));
    assert_ok(unlink(path));
    assert_ok(close(source));
}

static void send_whole(int from, int to)
{
    off_t offset = 0;

    while (offset < SIZE)
        if (sendfile(to, from, &offset, (size_t)(SIZE - offset)) <= 0)
            fail_msg("sendfile: errno %d (%s)", errno, strerror(errno));
}

static void sendfile_to_files_and_sockets(void **state)
{
    int ends[2];
    char bytes[1000];
    off_t offset = 251;

    (void)state;
    int source = new_source("source");
    int target = new_file("target", 0);
    send_whole(source, target);
    assert_is_copy(target, 0);
    int elsewhere = memfd_create("elsewhere", MFD_CLOEXEC);
    assert_ok(elsewhere);
    send_whole(target, elsewhere);
    assert_is_copy(elsewhere, 0);
    assert_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    assert_int_equal(sendfile(ends[0], source, &offset, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(recv(ends[1], bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
    for (int i = 0; i < (int)sizeof(bytes); i++)
        assert_int_equal(bytes[i], (char)(i % 251));
    assert_ok(close(ends[0]));
    assert_ok(close(ends[1]));
    assert_ok(close(elsewhere));
    assert_ok(close(target));
    assert_ok(close(source));
}

static void splice_through_a_pipe(void **state)
{
    int pipe_ends[2];
    off_t from = 0;
    off_t to = 100;

    (void)state;
    int source = new_source("source");
    int target = new_file("target", 100);
    assert_ok(pipe2(pipe_ends, O_CLOEXEC));
    while (from < SIZE) {
        ssize_t in = splice(source, &from, pipe_ends[1], NULL, 32768, 0);
        assert_true(in > 0);
        while (in > 0) {
            ssize_t out = splice(pipe_ends[0], NULL, target, &to, (size_t)in, 0);
            assert_true(out > 0);
            in -= out;
        }
    }
    assert_int_equal(size_of(target), SIZE + 100);
    assert_is_copy(target, 100);
    assert_int_equal(splice(source, &from, pipe_ends[1], NULL, 10, 0), 0);
    int appender = open_file("target", O_WRONLY | O_APPEND);
    assert_int_equal(write(pipe_ends[1], "x", 1), 1);
    assert_errno(splice(pipe_ends[0], NULL, appender, NULL, 1, 0), EINVAL);
    assert_ok(close(appender));
    assert_ok(close(pipe_ends[0]));
    assert_ok(close(pipe_ends[1]));
    assert_ok(close(target));
    assert_ok(close(source));
}

static void spliced_bytes_outlive_the_file(void **state)
{
    int pipe_ends[2];
    char bytes[SIZE / 10];
    off_t from = 0;

    (void)state;
    // Data that was spliced into a pipe stays readable after the file is gone.
    int source = new_source("source");
    assert_ok(pipe2(pipe_ends, O_CLOEXEC));
    assert_int_equal(splice(source, &from, pipe_ends[1], NULL, sizeof(bytes), 0), sizeof(bytes));
    assert_ok(unlink("source"));
    assert_ok(close(source));
    assert_int_equal(read(pipe_ends[0], bytes, sizeof(bytes)), sizeof(bytes));
    for (int i = 0; i < (int)sizeof(bytes); i++)
        assert_int_equal(bytes[i], (char)(i % 251));
    assert_ok(close(pipe_ends[0]));
    assert_ok(close(pipe_ends[1]));
}

/* A copy that takes long is answered in part: the thread that makes it is others' too. */
static void a_long_copy_is_made_in_parts(void **state)
{
    const struct fixture *fixture = fixture_of(state);
    const size_t length = 512 << 20;
    off_t from_offset = 0, to_offset = 0;
    int source = new_file("source", (off_t)length);
    int target = new_file("target", 0);

    ssize_t count = copy_file_range(source, &from_offset, target, &to_offset, length, 0);
    assert_true(count > 0);
    assert_int_equal(from_offset, count);
    assert_int_equal(to_offset, count);
    assert_int_equal(fstat_of(target).st_size, count);
    // A disk's filesystem may share the blocks, which takes no time.
    if (fixture->memory && fixture->area != AREA_NATIVE)
        assert_true((size_t)count < length);
    assert_ok(close(source));
    assert_ok(close(target));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_long_copy_is_made_in_parts),
    cmocka_unit_test(copy_file_range_copies),
    cmocka_unit_test(copy_file_range_inside_one_file),
    cmocka_unit_test(refused_copies),
    cmocka_unit_test(copies_across_areas),
    cmocka_unit_test(sendfile_to_files_and_sockets),
    cmocka_unit_test(splice_through_a_pipe),
    cmocka_unit_test(spliced_bytes_outlive_the_file),
};

HARNESS_MAIN("copy", cases)
