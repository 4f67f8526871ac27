// SPDX-License-Identifier: BSD-2-Clause
// Which bytes of an object have space: holes, SEEK_HOLE and SEEK_DATA, all that fallocate does.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 65536, CHUNKS = 8, WHOLE = CHUNK * CHUNKS };

/* A file of eight chunks of which the second, fifth and sixth have data; nothing is synced. */
static void write_chunks(int fd)
{
    static const int with_data[] = { 1, 4, 5 };
    char *chunk = malloc(CHUNK);

    assert_non_null(chunk);
    memset(chunk, 'd', CHUNK);
    assert_ok(ftruncate(fd, WHOLE));
    for (size_t i = 0; i < sizeof(with_data) / sizeof(with_data[0]); i++)
        assert_int_equal(pwrite(fd, chunk, CHUNK, (off_t)with_data[i] * CHUNK), CHUNK);
    free(chunk);
}

/* No byte that is not zero may lie in what is said to be a hole: copying programs leave it out. */
static void assert_no_data_in_holes(int fd)
{
    off_t end = size_of(fd);
    char *bytes = malloc((size_t)end);

    assert_non_null(bytes);
    assert_int_equal(pread(fd, bytes, (size_t)end, 0), end);
    for (off_t hole = 0; hole < end;) {
        off_t data = lseek(fd, hole, SEEK_DATA);
        if (data == -1) {
            assert_int_equal(errno, ENXIO);
            data = end;
        }
        assert_in_range(data, hole, end);
        assert_true(all_bytes(bytes + hole, (size_t)(data - hole), 0));
        if (data == end)
            break;
        hole = lseek(fd, data, SEEK_HOLE);
        assert_in_range(hole, data + 1, end);
    }
    free(bytes);
}

static void assert_same_extents(int fd, int reference)
{
    for (off_t at = 0; at < WHOLE; at += CHUNK / 2) {
        assert_int_equal(lseek(fd, at, SEEK_DATA), lseek(reference, at, SEEK_DATA));
        assert_int_equal(lseek(fd, at, SEEK_HOLE), lseek(reference, at, SEEK_HOLE));
    }
}

static void assert_no_hole_at(int fd, off_t offset)
{
    assert_int_equal(lseek(fd, offset, SEEK_DATA), offset);
    assert_in_range(lseek(fd, 0, SEEK_DATA), 0, offset);
    assert_true(lseek(fd, offset, SEEK_HOLE) > offset);
}

static void holes_are_found_where_they_are(void **state)
{
    const struct fixture *fixture = fixture_of(state);

    int reference = reference_file(fixture);
    int fd = new_file("file", 0);
    write_chunks(reference);
    write_chunks(fd);
    assert_no_data_in_holes(fd);
    assert_ok(fsync(fd));
    assert_no_data_in_holes(fd);
    // A page cache of its own knows less about holes while a file is open for writing, and so may
    // huge pages; never about data.
    if (!fixture->memory && (fixture->area == AREA_NATIVE || fixture->passthrough))
        assert_same_extents(fd, reference);
    assert_int_equal(lseek(fd, 4 * CHUNK, SEEK_DATA), 4 * CHUNK);
    assert_errno(lseek(fd, WHOLE, SEEK_DATA), ENXIO);
    assert_errno(lseek(fd, WHOLE, SEEK_HOLE), ENXIO);
    assert_errno(lseek(fd, -1, SEEK_DATA), ENXIO);
    assert_ok(close(fd));
    fd = open_file("file", O_RDONLY);
    if (!fixture->memory)
        assert_same_extents(fd, reference);
    assert_no_data_in_holes(fd);
    assert_ok(close(fd));
    assert_ok(close(reference));
}

/* Finds the first data, or 0 if after WAIT_SECONDS there are still no holes before it. Before Linux
 * 6.16, and over io_uring, the daemon may hear late that nobody has the file open for writing. */
static off_t await_data_behind_hole(int fd)
{
    time_t end = time(NULL) + WAIT_SECONDS;
    off_t data;

    do
        data = lseek(fd, 0, SEEK_DATA);
    while (data == 0 && time(NULL) < end);
    return data;
}

/* A program that copies files asks where the data is. A file that was just closed has its holes
 * again; data that was stored through a mapping may have waited in a page cache until then. */
static void a_closed_file_has_its_holes(void **state)
{
    enum { ROUNDS = 100, BIG = 64 << 20, FAR = BIG - CHUNK };

    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        int fd = new_file("file", BIG);
        char *mapping = map_shared(fd, BIG);
        mapping[FAR] = 's';
        assert_no_hole_at(fd, FAR);
        assert_ok(close(fd));
        fd = open_file("file", O_RDONLY);
        assert_no_hole_at(fd, FAR);
        unmap(mapping, BIG);
        off_t data = await_data_behind_hole(fd);
        // A huge page may begin before.
        assert_in_range(data, BIG / 2, FAR);
        assert_int_equal(lseek(fd, 0, SEEK_HOLE), 0);
        char byte = 0;
        assert_int_equal(pread(fd, &byte, 1, FAR), 1);
        assert_int_equal(byte, 's');
        assert_ok(close(fd));
        assert_ok(unlink("file"));
    }
}

static void fresh_data_is_no_hole(void **state)
{
    (void)state;
    int fd = new_file("file", WHOLE);
    assert_int_equal(pwrite(fd, "x", 1, 3 * CHUNK), 1);
    assert_no_data_in_holes(fd);
    int reader = open_file("file", O_RDONLY);
    assert_no_data_in_holes(reader);
    assert_int_equal(pwrite(fd, "x", 1, WHOLE + CHUNK), 1);
    assert_no_data_in_holes(reader);
    assert_ok(close(reader));
    assert_ok(close(fd));
    fd = open_file("file", O_RDONLY);
    assert_no_data_in_holes(fd);
    assert_ok(close(fd));
}

static void stored_data_is_no_hole(void **state)
{
    (void)state;
    int fd = new_file("file", WHOLE);
    char *mapping = map_shared(fd, WHOLE);
    mapping[3 * CHUNK + 7] = 's';
    assert_no_data_in_holes(fd);
    mapping[6 * CHUNK + 7] = 's';
    assert_ok(msync(mapping, WHOLE, MS_SYNC));
    assert_no_data_in_holes(fd);
    unmap(mapping, WHOLE);
    assert_ok(close(fd));
}

static void punching_gives_space_back(void **state)
{
    struct stat before, after;

    (void)state;
    int fd = new_file("file", 0);
    write_chunks(fd);
    assert_ok(fsync(fd));
    assert_ok(fstat(fd, &before));
    assert_ok(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * CHUNK, 2 * CHUNK));
    assert_ok(fsync(fd));
    assert_ok(fstat(fd, &after));
    assert_int_equal(before.st_blocks - after.st_blocks, 2 * CHUNK / 512);
    assert_int_equal(after.st_size, WHOLE);
    assert_no_data_in_holes(fd);
    assert_ok(close(fd));
}

static void allocation_takes_space(void **state)
{
    struct stat stat;

    (void)state;
    int fd = new_file("file", 0);
    assert_int_equal(posix_fallocate(fd, 0, WHOLE), 0);
    assert_ok(fstat(fd, &stat));
    assert_int_equal(stat.st_size, WHOLE);
    assert_true(stat.st_blocks >= WHOLE / 512);
    assert_ok(fallocate(fd, FALLOC_FL_KEEP_SIZE, WHOLE, WHOLE));
    assert_ok(fstat(fd, &stat));
    assert_int_equal(stat.st_size, WHOLE);
    assert_true(stat.st_blocks >= 2 * WHOLE / 512);
    assert_ok(ftruncate(fd, 0));
    assert_ok(fstat(fd, &stat));
    assert_int_equal(stat.st_blocks, 0);
    assert_ok(close(fd));
}

static const int fallocate_modes[] = {
    0,
    FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_PUNCH_HOLE,
    FALLOC_FL_ZERO_RANGE,
    FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_COLLAPSE_RANGE,
    FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE,
    FALLOC_FL_INSERT_RANGE,
    FALLOC_FL_UNSHARE_RANGE,
    1 << 30,
};

/* FUSE's kernel side refuses these by itself, before it asks the daemon. */
static bool reaches_the_area(const struct fixture *fixture, int mode)
{
    const int handed_on = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;

    return fixture->area == AREA_NATIVE || (mode & ~handed_on) == 0;
}

static int fallocate_errno(int fd, int mode, off_t offset, off_t length)
{
    return fallocate(fd, mode, offset, length) == 0 ? 0 : errno;
}

static void assert_same_contents(int fd, int reference)
{
    off_t size = size_of(reference);
    char *bytes = malloc((size_t)size + 1);
    char *wanted = malloc((size_t)size + 1);

    assert_non_null(bytes);
    assert_non_null(wanted);
    assert_int_equal(size_of(fd), size);
    assert_int_equal(pread(fd, bytes, (size_t)size + 1, 0), size);
    assert_int_equal(pread(reference, wanted, (size_t)size + 1, 0), size);
    assert_memory_equal(bytes, wanted, (size_t)size);
    free(bytes);
    free(wanted);
}

/* Returns whether the mount does what the area does not know. */
static bool is_done_for_the_area(const struct fixture *fixture, int mode)
{
    return (fixture->area == AREA_RAM || fixture->area == AREA_ANON) &&
           (mode & ~FALLOC_FL_KEEP_SIZE) == FALLOC_FL_ZERO_RANGE;
}

/* Does to the contents of a file what FALLOC_FL_ZERO_RANGE does. */
static void write_zeros(int fd, int mode, off_t offset, off_t length)
{
    off_t size = size_of(fd);
    off_t end = mode & FALLOC_FL_KEEP_SIZE && offset + length > size ? size : offset + length;
    char *zeros = calloc(1, (size_t)length);

    assert_non_null(zeros);
    if (end > offset)
        assert_int_equal(pwrite(fd, zeros, (size_t)(end - offset), offset), end - offset);
    free(zeros);
}

static void every_fallocate_mode_as_the_area_has_it(void **state)
{
    static const struct {
        off_t offset, length;
    } ranges[] = { { CHUNK, CHUNK },
                   { 100, 1000 },
                   { 4 * CHUNK + 4096, 8192 },
                   { WHOLE, CHUNK },
                   { WHOLE - 4096, 2 * CHUNK },
                   { 0, WHOLE },
                   { -1, 10 },
                   { 0, 0 },
                   { 0, -1 } };
    const struct fixture *fixture = fixture_of(state);

    for (size_t i = 0; i < sizeof(fallocate_modes) / sizeof(fallocate_modes[0]); i++) {
        for (size_t j = 0; j < sizeof(ranges) / sizeof(ranges[0]); j++) {
            int mode = fallocate_modes[i];
            int reference = reference_file(fixture);
            int fd = new_file("file", 0);
            write_chunks(reference);
            write_chunks(fd);
            int wanted = fallocate_errno(reference, mode, ranges[j].offset, ranges[j].length);
            int result = fallocate_errno(fd, mode, ranges[j].offset, ranges[j].length);
            if (wanted == 0 && !reaches_the_area(fixture, mode)) {
                wanted = EOPNOTSUPP;
                assert_ok(ftruncate(reference, 0));
                write_chunks(reference);
            } else if (wanted == EOPNOTSUPP && is_done_for_the_area(fixture, mode)) {
                wanted = 0;
                write_zeros(reference, mode, ranges[j].offset, ranges[j].length);
            } else if (result == EOPNOTSUPP && !reaches_the_area(fixture, mode)) {
                wanted = EOPNOTSUPP;
            }
            if (result != wanted)
                fail_msg("fallocate mode %#x, offset %lld, length %lld: errno %d; wanted %d",
                         (unsigned)mode, (long long)ranges[j].offset, (long long)ranges[j].length,
                         result, wanted);
            assert_same_contents(fd, reference);
            assert_ok(unlink("file"));
            assert_ok(close(fd));
            assert_ok(close(reference));
        }
    }
}

/* Zeroes a range. tmpfs cannot, which is no fault; returns false then, and closes the file. */
static bool zero_range(const struct fixture *fixture, int fd, off_t offset, off_t length)
{
    if (fallocate(fd, FALLOC_FL_ZERO_RANGE, offset, length) == 0)
        return true;
    assert_int_equal(errno, EOPNOTSUPP);
    assert_int_equal(fixture->area, AREA_NATIVE);
    assert_ok(close(fd));
    return false;
}

static void zeroing_takes_space_for_the_range(void **state)
{
    const int zero = FALLOC_FL_ZERO_RANGE;

    int fd = new_file("file", 0);
    write_chunks(fd);
    if (!zero_range(fixture_of(state), fd, 100, 1))
        return;
    assert_ok(fallocate(fd, zero | FALLOC_FL_KEEP_SIZE, 0, 2 * WHOLE));
    assert_int_equal(size_of(fd), WHOLE);
    assert_true(fstat_of(fd).st_blocks >= 2 * WHOLE / 512);
    assert_ok(fallocate(fd, zero, 0, 2 * WHOLE));
    assert_int_equal(size_of(fd), 2 * WHOLE);
    assert_no_data_in_holes(fd);
    assert_ok(close(fd));
}

/* A mapping that is there sees zeros, and what it stores afterwards is kept. */
static void zeroing_is_seen_by_a_mapping(void **state)
{
    int fd = new_file("file", 0);
    write_chunks(fd);
    char *mapping = map_shared(fd, WHOLE);
    mapping[CHUNK] = 'm';
    if (!zero_range(fixture_of(state), fd, CHUNK + 1, CHUNK)) {
        unmap(mapping, WHOLE);
        return;
    }
    assert_int_equal(mapping[CHUNK], 'm');
    assert_true(all_bytes(mapping + CHUNK + 1, CHUNK, 0));
    assert_int_equal(mapping[4 * CHUNK], 'd');
    mapping[CHUNK + 1] = 's';
    char bytes[2];
    assert_int_equal(pread(fd, bytes, 2, CHUNK), 2);
    assert_memory_equal(bytes, "ms", 2);
    unmap(mapping, WHOLE);
    assert_ok(close(fd));
}

static void zeroing_without_space_changes_nothing(void **state)
{
    const struct fixture *fixture = fixture_of(state);

    if (!is_done_for_the_area(fixture, FALLOC_FL_ZERO_RANGE))
        return;
    int reference = reference_file(fixture);
    int fd = new_file("file", 0);
    write_chunks(reference);
    write_chunks(fd);
    assert_errno(fallocate(fd, FALLOC_FL_ZERO_RANGE, CHUNK, 2L * HARNESS_AREA_SIZE), ENOSPC);
    assert_same_contents(fd, reference);
    assert_ok(close(fd));
    assert_ok(close(reference));
}

static void fallocate_is_seen_by_a_mapping_and_stat(void **state)
{
    struct stat stat;

    (void)state;
    int fd = new_file("file", 0);
    write_chunks(fd);
    char *mapping = map_shared(fd, 2 * WHOLE);
    assert_int_equal(mapping[CHUNK], 'd');
    int other = open_file("file", O_RDWR);
    assert_ok(fallocate(other, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, CHUNK, CHUNK));
    assert_int_equal(mapping[CHUNK], 0);
    assert_ok(fallocate(other, 0, WHOLE, WHOLE));
    assert_ok(lstat("file", &stat));
    assert_int_equal(stat.st_size, 2 * WHOLE);
    assert_ok(fstat(fd, &stat));
    assert_int_equal(stat.st_size, 2 * WHOLE);
    mapping[2 * WHOLE - 1] = 'x';
    char byte = 0;
    assert_int_equal(pread(other, &byte, 1, 2 * WHOLE - 1), 1);
    assert_int_equal(byte, 'x');
    unmap(mapping, 2 * WHOLE);
    assert_ok(close(other));
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(holes_are_found_where_they_are),
    cmocka_unit_test(a_closed_file_has_its_holes),
    cmocka_unit_test(fresh_data_is_no_hole),
    cmocka_unit_test(stored_data_is_no_hole),
    cmocka_unit_test(punching_gives_space_back),
    cmocka_unit_test(allocation_takes_space),
    cmocka_unit_test(every_fallocate_mode_as_the_area_has_it),
    cmocka_unit_test(zeroing_takes_space_for_the_range),
    cmocka_unit_test(zeroing_is_seen_by_a_mapping),
    cmocka_unit_test(zeroing_without_space_changes_nothing),
    cmocka_unit_test(fallocate_is_seen_by_a_mapping_and_stat),
};

HARNESS_MAIN("reclaim", cases)
