// SPDX-License-Identifier: BSD-2-Clause
// Advice about mappings, and questions: madvise, mincore, mlock, msync.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void dontneed_keeps_shared_data(void **state)
{
    size_t length = 8 * page_size();

    (void)state;
    int fd = new_file("file", (off_t)length);
    char *mapping = map_shared(fd, length);
    memset(mapping, 'x', length);
    assert_ok(madvise(mapping, length, MADV_DONTNEED));
    assert_true(all_bytes(mapping, length, 'x'));
    char *own = map_fd(fd, length, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    memset(own, 'y', length);
    assert_ok(madvise(own, length, MADV_DONTNEED));
    assert_true(all_bytes(own, length, 'x'));
    unmap(own, length);
    unmap(mapping, length);
    assert_ok(close(fd));
}

static void hints_change_no_data(void **state)
{
    static const int hints[] = { MADV_NORMAL,   MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
                                 MADV_DONTFORK, MADV_DOFORK, MADV_DONTDUMP,   MADV_DODUMP,
                                 MADV_COLD,     MADV_PAGEOUT };
    size_t length = 8 * page_size();

    (void)state;
    int fd = new_file("file", (off_t)length);
    char *mapping = map_shared(fd, length);
    memset(mapping, 'x', length);
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        assert_ok(madvise(mapping, length, hints[i]));
        assert_true(all_bytes(mapping, length, 'x'));
    }
    assert_errno(madvise(mapping, length, 12345), EINVAL);
    assert_errno(madvise(mapping + 1, length, MADV_NORMAL), EINVAL);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    assert_ok(readahead(fd, 0, length));
    assert_true(all_bytes(mapping, length, 'x'));
    unmap(mapping, length);
    assert_ok(close(fd));
}

static void remove_punches_a_hole_where_the_area_can(void **state)
{
    size_t page = page_size();

    int reference = reference_file(fixture_of(state));
    assert_ok(ftruncate(reference, (off_t)page));
    char *native = map_shared(reference, page);
    int native_result = madvise(native, page, MADV_REMOVE) == 0 ? 0 : errno;
    unmap(native, page);
    assert_ok(close(reference));

    int fd = new_file("file", (off_t)(4 * page));
    char *mapping = map_shared(fd, 4 * page);
    memset(mapping, 'x', 4 * page);
    int result = madvise(mapping + page, page, MADV_REMOVE) == 0 ? 0 : errno;
    assert_int_equal(result, native_result);
    assert_true(all_bytes(mapping + page, page, result == 0 ? 0 : 'x'));
    assert_true(all_bytes(mapping, page, 'x'));
    assert_true(all_bytes(mapping + 2 * page, 2 * page, 'x'));
    char byte;
    assert_int_equal(pread(fd, &byte, 1, (off_t)page), 1);
    assert_int_equal(byte, result == 0 ? 0 : 'x');
    unmap(mapping, 4 * page);
    assert_ok(close(fd));
}

static void populate_maps_what_is_there(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(4 * page));
    assert_int_equal(pwrite(fd, "x", 1, 0), 1);
    char *mapping = map_fd(fd, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE);
    assert_int_equal(mapping[0], 'x');
    assert_ok(madvise(mapping, 4 * page, MADV_POPULATE_READ));
    assert_ok(madvise(mapping, 4 * page, MADV_POPULATE_WRITE));
    assert_ok(ftruncate(fd, (off_t)page));
    assert_errno(madvise(mapping, 4 * page, MADV_POPULATE_READ), EFAULT);
    assert_errno(madvise(mapping, 4 * page, MADV_POPULATE_WRITE), EFAULT);
    unmap(mapping, 4 * page);
    assert_ok(close(fd));
}

static void mincore_tells_what_is_resident(void **state)
{
    enum { PAGES = 16 };
    size_t page = page_size();
    unsigned char resident[PAGES];

    (void)state;
    int fd = new_file("file", (off_t)(PAGES * page));
    char *mapping = map_shared(fd, PAGES * page);
    memset(mapping, 'x', 4 * page);
    assert_ok(mincore(mapping, PAGES * page, resident));
    for (int i = 0; i < 4; i++)
        assert_int_equal(resident[i] & 1, 1);
    memset(mapping, 'x', PAGES * page);
    assert_ok(mincore(mapping, PAGES * page, resident));
    for (int i = 0; i < PAGES; i++)
        assert_int_equal(resident[i] & 1, 1);
    assert_errno(mincore(mapping + 1, page, resident), EINVAL);
    unmap(mapping, PAGES * page);
    assert_errno(mincore(mapping, page, resident), ENOMEM);
    assert_ok(close(fd));
}

// These are called by number: in a build with sanitizers the functions of these names do nothing.
static int lock_pages(const void *address, size_t length)
{
    return (int)syscall(SYS_mlock, address, length);
}

static int unlock_pages(const void *address, size_t length)
{
    return (int)syscall(SYS_munlock, address, length);
}

static void mlock_brings_pages_in_and_keeps_them(void **state)
{
    enum { PAGES = 8 };
    size_t page = page_size();
    unsigned char resident[PAGES];

    (void)state;
    int fd = new_file("file", (off_t)(PAGES * page));
    char *mapping = map_shared(fd, 2 * PAGES * page);
    assert_ok(lock_pages(mapping, PAGES * page));
    assert_ok(mincore(mapping, PAGES * page, resident));
    for (int i = 0; i < PAGES; i++)
        assert_int_equal(resident[i] & 1, 1);
    strcpy(mapping, "locked");
    assert_errno(msync(mapping, page, MS_INVALIDATE), EBUSY);
    assert_string_equal(mapping, "locked");
    assert_ok(unlock_pages(mapping, PAGES * page));
    assert_ok(syscall(SYS_mlock2, mapping, page, MLOCK_ONFAULT));
    assert_ok(unlock_pages(mapping, page));
    assert_errno(lock_pages(mapping, 2 * PAGES * page),
                 ENOMEM); // Its second half lies beyond the end.
    assert_ok(unlock_pages(mapping, 2 * PAGES * page));
    unmap(mapping, 2 * PAGES * page);
    assert_ok(close(fd));
}

static void truncate_takes_locked_pages(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(2 * page));
    char *mapping = map_shared(fd, 2 * page);
    assert_ok(lock_pages(mapping, 2 * page));
    assert_ok(ftruncate(fd, (off_t)page));
    assert_int_equal(touch_signal(mapping + page, false), SIGBUS);
    assert_int_equal(touch_signal(mapping, true), 0);
    unmap(mapping, 2 * page);
    assert_ok(close(fd));
}

static void msync_flags(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(4 * page));
    char *mapping = map_shared(fd, 4 * page);
    strcpy(mapping, "mapped");
    assert_ok(msync(mapping, 4 * page, MS_SYNC));
    assert_ok(msync(mapping, 4 * page, MS_ASYNC));
    assert_ok(msync(mapping, 4 * page, MS_SYNC | MS_INVALIDATE));
    assert_ok(msync(mapping, 0, MS_SYNC));
    assert_string_equal(mapping, "mapped");
    assert_errno(msync(mapping, page, MS_SYNC | MS_ASYNC), EINVAL);
    assert_errno(msync(mapping, page, 64), EINVAL);
    assert_errno(msync(mapping + 1, page, MS_SYNC), EINVAL);
    unmap(mapping + page, page);
    assert_errno(msync(mapping, 4 * page, MS_SYNC), ENOMEM);
    unmap(mapping, page);
    unmap(mapping + 2 * page, 2 * page);
    assert_ok(close(fd));
}

static void msync_after_close_and_unlink(void **state)
{
    size_t page = page_size();

    (void)state;
    int fd = new_file("file", (off_t)(4 * page));
    char *mapping = map_shared(fd, 4 * page);
    strcpy(mapping, "first");
    assert_ok(close(fd));
    assert_ok(msync(mapping, 4 * page, MS_SYNC));
    strcpy(mapping, "second");
    assert_ok(unlink("file"));
    assert_ok(msync(mapping, 4 * page, MS_SYNC));
    assert_string_equal(mapping, "second");
    unmap(mapping, 4 * page);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(dontneed_keeps_shared_data),
    cmocka_unit_test(hints_change_no_data),
    cmocka_unit_test(remove_punches_a_hole_where_the_area_can),
    cmocka_unit_test(populate_maps_what_is_there),
    cmocka_unit_test(mincore_tells_what_is_resident),
    cmocka_unit_test(mlock_brings_pages_in_and_keeps_them),
    cmocka_unit_test(truncate_takes_locked_pages),
    cmocka_unit_test(msync_flags),
    cmocka_unit_test(msync_after_close_and_unlink),
};

HARNESS_MAIN("advice", cases)
