// SPDX-License-Identifier: BSD-2-Clause
// The read and write calls: vectors, offsets, appending, O_DIRECT, limits.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define GIB ((off_t)1 << 30)

enum { WRITERS = 4, RECORDS = 500, RECORD = 64 };

static int append_records(struct coprocess *parent, void *argument)
{
    int *number = argument;
    char record[RECORD + 1];
    int fd = open("file", O_WRONLY | O_APPEND);

    coprocess_check(fd != -1);
    coprocess_check(coprocess_await_turn(parent));
    for (int i = 0; i < RECORDS; i++) {
        snprintf(record, sizeof(record), "writer %d record %-*d\n", *number, RECORD - 17, i);
        coprocess_check(write(fd, record, RECORD) == RECORD);
    }
    return 0;
}

static void appended_records_are_never_lost(void **state)
{
    struct coprocess coprocesses[WRITERS];
    int next[WRITERS] = { 0 };
    int numbers[WRITERS];
    char record[RECORD + 1] = "";

    (void)state;
    int fd = new_file("file", 0);
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(coprocess_start(&coprocesses[i], append_records, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_true(coprocess_give_turn(&coprocesses[i]));
    for (int i = 0; i < WRITERS; i++)
        assert_coprocess_succeeds(&coprocesses[i]);
    assert_int_equal(size_of(fd), WRITERS * RECORDS * RECORD);
    for (int i = 0; i < WRITERS * RECORDS; i++) {
        int writer, number;
        assert_int_equal(read(fd, record, RECORD), RECORD);
        assert_int_equal(sscanf(record, "writer %d record %d\n", &writer, &number), 2);
        assert_in_range(writer, 0, WRITERS - 1);
        assert_int_equal(number, next[writer]++);
    }
    assert_ok(close(fd));
}

static void append_ignores_the_offset(void **state)
{
    (void)state;
    int fd = open_file("file", O_RDWR | O_CREAT | O_APPEND);
    int other = open_file("file", O_WRONLY);
    assert_int_equal(write(fd, "one", 3), 3);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(write(fd, "two", 3), 3);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 6);
    assert_int_equal(write(other, "ONE", 3), 3);
    // Linux appends even for pwrite.
    assert_int_equal(pwrite(fd, "three", 5, 0), 5);
    assert_ok(fcntl(other, F_SETFL, O_APPEND));
    assert_int_equal(pwrite(other, "four", 4, 0), 4);
    assert_ok(fcntl(other, F_SETFL, 0));
    assert_int_equal(pwrite(other, "T", 1, 3), 1);
    char bytes[32] = "";
    assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 15);
    assert_string_equal(bytes, "ONETwothreefour");
    assert_ok(close(fd));
    assert_ok(close(other));
}

static void vectors_and_offsets(void **state)
{
    char a[4], b[4] = "", c[16] = "";
    char letters[] = "abcdefgh";
    struct iovec out[] = { { letters, 3 }, { letters, 0 }, { letters + 3, 4 }, { letters + 7, 1 } };
    struct iovec in[] = { { a, 2 }, { b, 3 }, { c, 16 } };

    (void)state;
    int fd = new_file("file", 0);
    assert_int_equal(writev(fd, out, 4), 8);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 8);
    assert_int_equal(pwritev(fd, out, 1, 20), 3);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 8);
    assert_int_equal(preadv(fd, in, 3, 0), 21);
    assert_memory_equal(a, "ab", 2);
    assert_memory_equal(b, "cde", 3);
    assert_memory_equal(c, "fgh\0\0\0\0\0\0\0\0\0\0\0\0a", 16);
    assert_int_equal(lseek(fd, 6, SEEK_SET), 6);
    assert_int_equal(readv(fd, in, 1), 2);
    assert_memory_equal(a, "gh", 2);
    assert_int_equal(pread(fd, c, 16, 22), 1);
    assert_int_equal(pread(fd, c, 16, 23), 0);
    assert_int_equal(pread(fd, c, 16, 4 * GIB), 0);
    assert_errno(pread(fd, c, 16, -1), EINVAL);
    assert_int_equal(write(fd, "", 0), 0);
    assert_int_equal(size_of(fd), 23);
    assert_ok(close(fd));
}

static void flags_of_preadv2_and_pwritev2(void **state)
{
    char bytes[16] = "";
    char letters[] = "abcd";
    struct iovec out = { letters, 4 };
    struct iovec in = { bytes, 16 };

    (void)state;
    int fd = new_file("file", 0);
    assert_int_equal(pwritev2(fd, &out, 1, 0, 0), 4);
    assert_int_equal(pwritev2(fd, &out, 1, 4, RWF_DSYNC), 4);
    assert_int_equal(pwritev2(fd, &out, 1, 8, RWF_SYNC), 4);
    assert_int_equal(pwritev2(fd, &out, 1, 0, RWF_APPEND), 4);
    assert_int_equal(size_of(fd), 16);
    assert_int_equal(preadv2(fd, &in, 1, 0, RWF_HIPRI), 16);
    assert_memory_equal(bytes, "abcdabcdabcdabcd", 16);
    assert_int_equal(preadv2(fd, &in, 1, -1, 0), 16);
    assert_int_equal(preadv2(fd, &in, 1, -1, 0), 0);
    assert_errno(preadv2(fd, &in, 1, 0, 1 << 30), EOPNOTSUPP);
    // The filesystem may say whether a read can go without waiting; it may not give wrong data.
    memset(bytes, 0, sizeof(bytes));
    if (preadv2(fd, &in, 1, 0, RWF_NOWAIT) == -1)
        assert_true(errno == EAGAIN || errno == EOPNOTSUPP);
    else
        assert_memory_equal(bytes, "abcdabcdabcdabcd", 16);
    assert_ok(close(fd));
}

static void offsets_beyond_4_gib(void **state)
{
    char byte = 0;

    (void)state;
    int fd = new_file("file", 0);
    assert_int_equal(lseek(fd, 5 * GIB, SEEK_SET), 5 * GIB);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 5 * GIB + 1);
    assert_int_equal(lseek(fd, 0, SEEK_END), 5 * GIB + 1);
    assert_int_equal(lseek(fd, -1, SEEK_END), 5 * GIB);
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_int_equal(byte, 'x');
    assert_int_equal(pread(fd, &byte, 1, GIB), 1);
    assert_int_equal(byte, 0);
    assert_errno(lseek(fd, -1, SEEK_SET), EINVAL);
    assert_errno(lseek(fd, 0, 99), EINVAL);
    assert_int_equal(size_of(fd), 5 * GIB + 1);
    assert_ok(close(fd));
}

static void access_follows_the_open_mode(void **state)
{
    char byte;

    (void)state;
    int fd = new_file("file", 10);
    int reader = open_file("file", O_RDONLY);
    int writer = open_file("file", O_WRONLY);
    assert_errno(write(reader, "x", 1), EBADF);
    assert_errno(read(writer, &byte, 1), EBADF);
    assert_errno(ftruncate(reader, 0), EINVAL);
    assert_errno(ftruncate(fd, -1), EINVAL);
    assert_errno(truncate("file", -1), EINVAL);
    assert_errno(fallocate(reader, 0, 0, 10), EBADF);
    assert_ok(ftruncate(writer, 20));
    assert_int_equal(size_of(reader), 20);
    char *nowhere = map_fd(fd, 4096, PROT_NONE, MAP_SHARED);
    assert_errno(read(fd, nowhere, 10), EFAULT);
    assert_errno(write(fd, nowhere, 10), EFAULT);
    unmap(nowhere, 4096);
    assert_ok(close(fd));
    assert_ok(close(reader));
    assert_ok(close(writer));
}

static int exceed_file_size(struct coprocess *parent, void *argument)
{
    struct rlimit limit = { .rlim_cur = 100000, .rlim_max = RLIM_INFINITY };
    char bytes[4096] = "";
    int fd = open("file", O_RDWR);

    (void)parent;
    (void)argument;
    coprocess_check(fd != -1);
    limit.rlim_max = limit.rlim_cur;
    coprocess_check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    signal(SIGXFSZ, SIG_IGN);
    coprocess_check(pwrite(fd, bytes, sizeof(bytes), 0) == sizeof(bytes));
    coprocess_check(pwrite(fd, bytes, sizeof(bytes), 100000 - 100) == 100);
    coprocess_check(pwrite(fd, bytes, 1, 100000) == -1 && errno == EFBIG);
    coprocess_check(ftruncate(fd, 100001) == -1 && errno == EFBIG);
    coprocess_check(fallocate(fd, 0, 0, 100001) == -1 && errno == EFBIG);
    coprocess_check(ftruncate(fd, 100000) == 0);
    coprocess_check(lseek(fd, 0, SEEK_END) == 100000);
    coprocess_check(write(fd, bytes, 1) == -1 && errno == EFBIG);
    signal(SIGXFSZ, SIG_DFL);
    (void)!write(fd, bytes, 1);
    return 2; // The signal ought to have come.
}

static void file_size_limit_of_the_caller(void **state)
{
    (void)state;
    assert_ok(close(new_file("file", 0)));
    assert_int_equal(coprocess_run(exceed_file_size, NULL), 128 + SIGXFSZ);
    struct stat stat;
    assert_ok(lstat("file", &stat));
    assert_int_equal(stat.st_size, 100000);
}

static void many_descriptors_of_one_file(void **state)
{
    enum { MANY = 800 };
    int fds[MANY];

    (void)state;
    assert_ok(close(new_file("file", MANY)));
    for (int i = 0; i < MANY; i++)
        fds[i] = open_file("file", i % 3 ? O_RDWR : O_WRONLY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(pwrite(fds[i], &(char){ (char)i }, 1, i), 1);
    for (int i = 1; i < MANY; i += 3) {
        char bytes[MANY];
        assert_int_equal(pread(fds[i], bytes, MANY, 0), MANY);
        for (int j = 0; j < MANY; j++)
            assert_int_equal(bytes[j], (char)j);
    }
    for (int i = 0; i < MANY; i++)
        assert_ok(close(fds[i]));
}

static bool direct_works_in_the_area(const struct fixture *fixture)
{
    char path[64];
    int reference = reference_file(fixture);

    snprintf(path, sizeof(path), "/proc/self/fd/%d", reference);
    int direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    bool works = direct != -1;
    if (works)
        assert_ok(close(direct));
    assert_ok(close(reference));
    return works;
}

/* Not every area has it: tmpfs has since Linux 6.6. Without passthrough the kernel's FUSE has it by
 * itself, whatever the area has. */
static void direct_as_the_area_has_it(void **state)
{
    enum { BLOCK = 65536 };

    const struct fixture *fixture = fixture_of(state);
    char *block = aligned_alloc(4096, BLOCK);
    assert_non_null(block);
    int fd = new_file("file", BLOCK);
    int direct = open("file", O_RDWR | O_DIRECT | O_CLOEXEC);
    if (direct == -1) {
        assert_int_equal(errno, EINVAL);
        assert_false(fixture->cached || direct_works_in_the_area(fixture));
        assert_ok(close(fd));
        free(block);
        return;
    }
    assert_true(fixture->cached || direct_works_in_the_area(fixture));
    char *mapping = map_shared(fd, BLOCK);
    memset(block, 'd', BLOCK);
    assert_int_equal(pwrite(direct, block, BLOCK, 0), BLOCK);
    assert_true(all_bytes(mapping, BLOCK, 'd')); // Direct, then mapped.
    memset(mapping, 'm', BLOCK / 2);
    assert_int_equal(pread(direct, block, BLOCK, 0), BLOCK);
    assert_true(all_bytes(block, BLOCK / 2, 'm')); // Mapped, then direct.
    assert_true(all_bytes(block + BLOCK / 2, BLOCK / 2, 'd'));
    assert_int_equal(pwrite(fd, "buffered", 8, 4096), 8);
    assert_int_equal(pread(direct, block, 4096, 4096), 4096);
    assert_memory_equal(block, "buffered", 8); // Buffered, then direct.
    memset(block, 'e', 4096);
    assert_int_equal(pwrite(direct, block, 4096, BLOCK), 4096);
    assert_int_equal(size_of(fd), BLOCK + 4096);
    assert_int_equal(pread(direct, block, BLOCK, BLOCK), 4096);
    char byte = 0;
    assert_int_equal(pread(fd, &byte, 1, BLOCK + 4095), 1);
    assert_int_equal(byte, 'e'); // Direct beyond the old end, then buffered.
    unmap(mapping, BLOCK);
    assert_ok(close(direct));
    assert_ok(close(fd));
    free(block);
}

static void large_transfers_are_whole(void **state)
{
    enum { LARGE = 9 << 20 };
    char *bytes = malloc(LARGE);
    char *again = malloc(LARGE);

    (void)state;
    assert_non_null(bytes);
    assert_non_null(again);
    for (int i = 0; i < LARGE; i++)
        bytes[i] = (char)(i % 251);
    int fd = new_file("file", 0);
    assert_int_equal(pwrite(fd, bytes, LARGE, 4321), LARGE);
    assert_int_equal(pread(fd, again, LARGE, 4321), LARGE);
    assert_memory_equal(bytes, again, LARGE);
    int reader = open_file("file", O_RDONLY);
    assert_int_equal(pread(reader, again, LARGE, 4321), LARGE);
    assert_memory_equal(bytes, again, LARGE);
    assert_int_equal(size_of(reader), LARGE + 4321);
    assert_ok(close(reader));
    assert_ok(close(fd));
    free(bytes);
    free(again);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(appended_records_are_never_lost),
    cmocka_unit_test(append_ignores_the_offset),
    cmocka_unit_test(vectors_and_offsets),
    cmocka_unit_test(flags_of_preadv2_and_pwritev2),
    cmocka_unit_test(offsets_beyond_4_gib),
    cmocka_unit_test(access_follows_the_open_mode),
    cmocka_unit_test(file_size_limit_of_the_caller),
    cmocka_unit_test(many_descriptors_of_one_file),
    cmocka_unit_test(direct_as_the_area_has_it),
    cmocka_unit_test(large_transfers_are_whole),
};

HARNESS_MAIN("data", cases)
