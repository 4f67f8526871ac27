// SPDX-License-Identifier: BSD-2-Clause
/* Room that is set aside for a file, so that a store through a mapping cannot come too late. */
#include "lib/api/shmap.h"
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/cases/space/free_pages.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#define RESERVE "user.shmapfs.reserve"

enum { MIB = 1 << 20, PAGE = 4096, RESERVED = 8192 * PAGE };

static int set_reserve(const char *path, const char *text)
{
    return setxattr(path, RESERVE, text, strlen(text), 0);
}

static void assert_reserve(const char *path, const char *text)
{
    char value[32];
    ssize_t length = getxattr(path, RESERVE, value, sizeof(value));

    if (!text) {
        assert_int_equal(length, -1);
        assert_int_equal(errno, ENODATA);
        return;
    }
    assert_int_equal(length, strlen(text));
    assert_memory_equal(value, text, strlen(text));
}

/* Takes all the room that is left. */
static void fill(const char *path)
{
    int fd = open_file(path, O_WRONLY | O_CREAT);
    off_t end = size_of(fd);

    for (off_t piece = MIB; piece >= PAGE; piece /= 2) {
        while (fallocate(fd, 0, end, piece) == 0)
            end += piece;
        assert_int_equal(errno, ENOSPC);
    }
    assert_ok(close(fd));
}

/* Stores to each page of a file; returns 0, or the errno of msync. SIGBUS ends it. */
static int store_everywhere(struct coprocess *parent, void *argument)
{
    const char *path = argument;
    int fd = open(path, O_RDWR);
    off_t size = lseek(fd, 0, SEEK_END);

    (void)parent;
    signal(SIGBUS, SIG_DFL);
    char *mapping = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(fd >= 0 && mapping != MAP_FAILED);
    for (off_t at = 0; at < size; at += PAGE)
        mapping[at] = 'x';
    return msync(mapping, (size_t)size, MS_SYNC) == -1 ? errno : 0;
}

static void assert_stores_succeed(const char *path)
{
    char copy[64];

    snprintf(copy, sizeof(copy), "%s", path);
    assert_int_equal(coprocess_run(store_everywhere, copy), 0);
}

static void assert_stores_fail(const char *path)
{
    char copy[64];
    int result;

    snprintf(copy, sizeof(copy), "%s", path);
    result = coprocess_run(store_everywhere, copy);
    // Without passthrough a hole cannot be read any more when the kernel has written back early.
    assert_true(result == ENOSPC || result == 128 + SIGBUS);
}

static void stores_into_a_reserve_find_room(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=40m,huge=never");
    put_file("mnt/file", "");
    put_file("mnt/other", "");
    assert_reserve("mnt/file", NULL);
    assert_ok(set_reserve("mnt/file", "32m"));
    assert_reserve("mnt/file", "33554432");
    assert_int_equal(stat_of("mnt/file").st_size, 0);
    assert_int_equal(listxattr("mnt/file", NULL, 0), 0);
    fill("mnt/ballast");
    assert_ok(truncate("mnt/file", RESERVED));
    assert_ok(truncate("mnt/other", RESERVED));
    assert_stores_succeed("mnt/file");
    assert_stores_fail("mnt/other");
    // It is there again when the file was truncated.
    assert_ok(unlink("mnt/other"));
    assert_ok(truncate("mnt/file", 0));
    assert_ok(close(open_file("mnt/file", O_WRONLY | O_TRUNC)));
    fill("mnt/ballast");
    assert_ok(truncate("mnt/file", RESERVED));
    assert_stores_succeed("mnt/file");
    workspace_unmount(workspace);
}

static void what_does_not_fit_changes_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_user_attributes("/dev/shm");
    workspace_mount(workspace, false, "size=4m,huge=never");
    put_file("mnt/file", "");
    assert_int_equal(set_reserve("mnt/file", "5m"), -1);
    assert_int_equal(errno, ENOSPC);
    assert_reserve("mnt/file", NULL);
    assert_int_equal(free_pages(), 4 * MIB / PAGE);
    assert_ok(set_reserve("mnt/file", "1m"));
    assert_int_equal(set_reserve("mnt/file", "5m"), -1);
    assert_int_equal(errno, ENOSPC);
    assert_reserve("mnt/file", "1048576");
    assert_int_equal(free_pages(), 3 * MIB / PAGE);
    // The space beyond the end is given back, and nothing else.
    assert_ok(truncate("mnt/file", PAGE));
    assert_ok(removexattr("mnt/file", RESERVE));
    assert_reserve("mnt/file", NULL);
    assert_int_equal(free_pages(), 4 * MIB / PAGE - 1);
    assert_errno(removexattr("mnt/file", RESERVE), ENODATA);
    workspace_unmount(workspace);
}

static void nonsense_is_refused(void **state)
{
    static const struct {
        const char *path, *value;
        int error; // 0: any
    } wrong[] = {
        { "mnt/file", "", EINVAL },
        { "mnt/file", "0", ERANGE },
        { "mnt/file", "-1", EINVAL },
        { "mnt/file", "10%", EINVAL },
        { "mnt/file", "1 m", EINVAL },
        { "mnt/file", "9223372036854775808", ERANGE },
        { "mnt/dir", "4096", EINVAL },
        { "mnt", "4096", EINVAL },
        { "mnt/file", "4096t", 0 },
        { "mnt/file", "00000000000000000000000000000000001", EINVAL },
    };
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m");
    put_file("mnt/file", "");
    assert_ok(mkdir("mnt/dir", 0755));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(set_reserve(wrong[i].path, wrong[i].value), -1);
        if (wrong[i].error)
            assert_int_equal(errno, wrong[i].error);
        assert_int_equal(getxattr(wrong[i].path, RESERVE, NULL, 0), -1);
        assert_int_equal(errno, ENODATA);
    }
    workspace_unmount(workspace);
}

static void growth_finds_room_or_fails(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=8m,huge=never,reserve");
    put_file("mnt/file", "x");
    put_file("mnt/other", "");
    assert_ok(truncate("mnt/file", 4 * MIB));
    assert_errno(truncate("mnt/other", 8 * MIB), ENOSPC);
    assert_int_equal(stat_of("mnt/other").st_size, 0);
    assert_int_equal(free_pages(), 4 * MIB / PAGE);
    fill("mnt/other");
    assert_stores_succeed("mnt/file");
    assert_ok(truncate("mnt/file", PAGE));
    assert_int_equal(free_pages(), 4 * MIB / PAGE - 1);
    workspace_unmount(workspace);
}

static void reserve_of_the_store_stays(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    uint64_t reserved = 1;
    put_file("mnt/file", "contents");
    assert_int_equal(shmap_reserve_get("mnt/file", &reserved), 0);
    assert_int_equal(reserved, 0);
    blkcnt_t before = stat_of("mnt/file").st_blocks;
    assert_int_equal(shmap_reserve_set("mnt/file", MIB), 0);
    assert_true(stat_of("mnt/file").st_blocks >= before + (MIB - PAGE) / 512);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_int_equal(shmap_reserve_get("mnt/file", &reserved), 0);
    assert_int_equal(reserved, MIB);
    assert_content("mnt/file", "contents");
    assert_true(stat_of("mnt/file").st_blocks >= before + (MIB - PAGE) / 512);
    assert_int_equal(shmap_reserve_set("mnt/file", 0), 0);
    assert_int_equal(shmap_reserve_set("mnt/file", 0), 0);
    assert_in_range(stat_of("mnt/file").st_blocks, 0, before + PAGE / 512);
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

/* The kernel hears of the size all the same. Another file could have taken the room in between; here
 * there never was as much. */
static void truncation_without_room_is_told(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char byte;

    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", MIB)));
    assert_ok(setxattr("store/file", RESERVE, "1048576g", 8, 0));
    assert_int_equal(stat_of("mnt/file").st_size, MIB);
    assert_int_equal(truncate("mnt/file", PAGE), -1);
    assert_int_equal(stat_of("mnt/file").st_size, PAGE);
    int fd = open_file("mnt/file", O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, PAGE), 0);
    assert_int_equal(open("mnt/file", O_WRONLY | O_TRUNC | O_CLOEXEC), -1);
    assert_int_equal(fstat_of(fd).st_size, 0);
    assert_ok(close(fd));
    assert_int_equal(stat_of("store/file").st_blocks, 0);
    workspace_unmount(workspace);
}

static void reserve_on_a_full_disk(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Only root has a disk.
    disk_make(workspace, 64, "", "");
    workspace_mount(workspace, true, "");
    put_file("mnt/file", "");
    assert_int_equal(set_reserve("mnt/file", "1g"), -1);
    assert_int_equal(errno, ENOSPC);
    assert_reserve("mnt/file", NULL);
    assert_int_equal(stat_of("mnt/file").st_blocks, 0);
    assert_ok(set_reserve("mnt/file", "32m"));
    fill("mnt/ballast");
    assert_ok(truncate("mnt/file", RESERVED));
    assert_stores_succeed("mnt/file");
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(stores_into_a_reserve_find_room),
    cmocka_unit_test(what_does_not_fit_changes_nothing),
    cmocka_unit_test(nonsense_is_refused),
    cmocka_unit_test(growth_finds_room_or_fails),
    cmocka_unit_test(reserve_of_the_store_stays),
    cmocka_unit_test(truncation_without_room_is_told),
    cmocka_unit_test(reserve_on_a_full_disk),
};

WORKSPACE_MAIN("reserve", cases)
