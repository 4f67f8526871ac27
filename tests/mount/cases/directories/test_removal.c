// SPDX-License-Identifier: BSD-2-Clause
/* Names that are removed while they are listed: none is passed over. */
#include "tests/mount/cases/directories/entries.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LARGE = 32768, LITTLE = 512 };

/* Reads on, and removes what has come as soon as it is there. Returns how many were there to be
 * removed, or -1 at the end. */
static int remove_next(int fd, size_t size)
{
    _Alignas(8) char buffer[LARGE];
    long length = syscall(SYS_getdents64, fd, buffer, size);
    int removed = 0;

    assert_ok(length);
    for (long at = 0; at < length;) {
        const struct raw_entry *entry = (const struct raw_entry *)(buffer + at);
        at += entry->length;
        if (entry_number(entry->name) < 0)
            continue;
        if (unlinkat(fd, entry->name, 0) == 0)
            removed++;
        else
            assert_int_equal(errno, ENOENT);
    }
    return length == 0 ? -1 : removed;
}

static void remove_all(size_t size)
{
    int fd = open_file(".", O_RDONLY | O_DIRECTORY);
    int removed = 0;

    for (int more = 0; more >= 0; more = remove_next(fd, size))
        removed += more;
    assert_int_equal(removed, FEW);
    assert_ok(close(fd));
    assert_int_equal(listed_entries("."), 0);
}

static void of_a_large_buffer(void **state)
{
    (void)state;
    make_entries(FEW);
    remove_all(LARGE);
}

static void of_little_buffers(void **state)
{
    (void)state;
    make_entries(FEW);
    remove_all(LITTLE);
}

/* The kernel may have kept what another stream has read. */
static void of_a_listing_that_was_kept(void **state)
{
    (void)state;
    make_entries(FEW);
    for (int i = 0; i < 2; i++) {
        DIR *directory = open_directory(".");
        assert_each_once(directory, FEW);
        assert_ok(closedir(directory));
    }
    remove_all(LITTLE);
}

/* Several streams, each at another place. */
static void by_several_streams(void **state)
{
    enum { STREAMS = 5 };
    int fds[STREAMS], removed = 0, more;

    (void)state;
    make_entries(FEW);
    for (int i = 0; i < STREAMS; i++)
        fds[i] = open_file(".", O_RDONLY | O_DIRECTORY);
    for (int left = STREAMS; left > 0;)
        for (int i = left = 0; i < STREAMS; i++) {
            more = remove_next(fds[i], i % 2 == 0 ? LITTLE : 2 * LITTLE);
            removed += more < 0 ? 0 : more;
            left += more >= 0;
        }
    assert_int_equal(removed, FEW);
    for (int i = 0; i < STREAMS; i++)
        assert_ok(close(fds[i]));
    assert_int_equal(listed_entries("."), 0);
}

/* Nothing that others remove is listed twice, and nothing that they leave is passed over. */
static void by_others_before_they_are_listed(void **state)
{
    unsigned char counts[FEW] = { 0 };
    _Alignas(8) char buffer[LITTLE];
    char name[32];
    long length;
    int next = 0;

    (void)state;
    make_entries(FEW);
    int fd = open_file(".", O_RDONLY | O_DIRECTORY);
    while ((length = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
        for (long at = 0; at < length;) {
            const struct raw_entry *entry = (const struct raw_entry *)(buffer + at);
            int number = entry_number(entry->name);
            at += entry->length;
            if (number >= 0)
                assert_int_equal(counts[number]++, 0);
        }
        // Eight of each ten, which are still there or not, wherever the stream is.
        for (int i = 0; i < 16 && next < FEW; i++, next++) {
            snprintf(name, sizeof(name), "entry-%06d", next);
            if (next % 10 < 8)
                assert_ok(unlink(name));
        }
    }
    assert_ok(length);
    for (int i = 0; i < FEW; i++)
        if (i % 10 >= 8 && counts[i] != 1)
            fail_msg("entry %d was seen %d times", i, counts[i]);
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(of_a_large_buffer),
    cmocka_unit_test(of_little_buffers),
    cmocka_unit_test(of_a_listing_that_was_kept),
    cmocka_unit_test(by_several_streams),
    cmocka_unit_test(by_others_before_they_are_listed),
};

HARNESS_MAIN("removal", cases)
