// SPDX-License-Identifier: BSD-2-Clause
/* The limits of the RAM area: its size, its number of files, its pages, and who may change them. */
#include "tests/mount/cases/space/free_pages.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MIB = 1 << 20, PAGE = 4096, FAILED = 1 };

static void write_gets_enospc_at_the_limit(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char page[PAGE];
    off_t end = 0;

    memset(page, 'x', sizeof(page));
    for (int i = 0; i < 2; i++) {
        workspace_mount(workspace, false, i == 0 ? "size=4m,huge=never" : "size=4m");
        int fd = open_file("mnt/file", O_RDWR | O_CREAT);
        for (end = 0; write(fd, page, PAGE) == PAGE; end += PAGE)
            assert_in_range(end, 0, 4 * MIB);
        assert_int_equal(errno, ENOSPC);
        assert_int_equal(end, 4 * MIB);
        assert_int_equal(free_pages(), 0);
        assert_errno(pwrite(fd, page, 1, 5 * MIB), ENOSPC);
        // A page that is there already can still be written.
        assert_int_equal(pwrite(fd, "y", 1, 2 * MIB), 1);
        assert_ok(ftruncate(fd, 2 * MIB));
        assert_int_equal(free_pages(), 2 * MIB / PAGE);
        assert_int_equal(pwrite(fd, page, PAGE, 2 * MIB), PAGE);
        assert_ok(close(fd));
        workspace_unmount(workspace);
    }
}

static void fallocate_gets_enospc_at_the_limit(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m");
    int fd = open_file("mnt/file", O_RDWR | O_CREAT);
    assert_errno(fallocate(fd, 0, 0, 4 * MIB + PAGE), ENOSPC);
    assert_int_equal(free_pages(), 4 * MIB / PAGE);
    assert_int_equal(size_of(fd), 0);
    assert_ok(fallocate(fd, 0, 0, 4 * MIB));
    assert_int_equal(free_pages(), 0);
    assert_errno(fallocate(fd, 0, 4 * MIB, PAGE), ENOSPC);
    assert_errno(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8 * MIB, PAGE), ENOSPC);
    // A write to reserved space cannot fail any more.
    char *mapping = map_shared(fd, 4 * MIB);
    memset(mapping, 'x', 4 * MIB);
    assert_ok(msync(mapping, 4 * MIB, MS_SYNC));
    unmap(mapping, 4 * MIB);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static int write_page_by_page(struct coprocess *parent, void *argument)
{
    (void)parent;
    (void)argument;
    signal(SIGBUS, SIG_DFL);
    char *mapping = map_path("mnt/file", 8 * MIB);
    coprocess_check(mapping != NULL);
    for (size_t at = 0; at < 8 * MIB; at += PAGE)
        mapping[at] = 'x';
    return msync(mapping, 8 * MIB, MS_SYNC) == -1 ? errno : 0;
}

static void mapped_write_gets_sigbus_at_the_limit(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m,huge=never");
    assert_ok(close(new_file("mnt/file", 8 * MIB)));
    int result = coprocess_run(write_page_by_page, NULL);
    if (workspace->passthrough) {
        assert_int_equal(result, 128 + SIGBUS);
        char *mapping = map_path("mnt/file", 8 * MIB);
        assert_non_null(mapping);
        assert_int_equal(mapping[4 * MIB - PAGE], 'x');
        assert_int_equal(touch_signal(mapping + 4 * MIB, true), SIGBUS);
        assert_int_equal(touch_signal(mapping, true), 0);
        unmap(mapping, 8 * MIB);
    } else {
        // FUSE's page cache finds out when it writes back, and msync says so. The kernel may write back
        // before the last store, and then a hole cannot be read (shmapfs(8), LIMITS).
        assert_true(result == ENOSPC || result == 128 + SIGBUS);
    }
    assert_int_equal(free_pages(), 0);
    assert_ok(unlink("mnt/file"));
    assert_true(pages_become_free(4 * MIB / PAGE));
    put_file("mnt/file", "there is space again");
    workspace_unmount(workspace);
}

static void store_has_no_such_limit(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=1m,anon=scratch");
    int fd = open_file("mnt/file", O_RDWR | O_CREAT);
    assert_int_equal(posix_fallocate(fd, 0, 8 * MIB), 0);
    assert_ok(close(fd));
    fd = open_file("mnt/scratch/file", O_RDWR | O_CREAT);
    assert_int_equal(posix_fallocate(fd, 0, 8 * MIB), ENOSPC);
    assert_int_equal(posix_fallocate(fd, 0, MIB / 2), 0);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static int create_files(const char *prefix)
{
    char path[64];

    for (int i = 0;; i++) {
        snprintf(path, sizeof(path), "mnt/%s%d", prefix, i);
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
        if (fd == -1)
            return i;
        close(fd);
    }
}

static void files_get_enospc_at_nr_inodes(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "nr_inodes=50");
    int count = create_files("file");
    assert_int_equal(errno, ENOSPC);
    assert_in_range(count, 40, 50);
    assert_errno(mkdir("mnt/directory", 0755), ENOSPC);
    assert_errno(symlink("target", "mnt/symlink"), ENOSPC);
    struct statvfs vfs;
    assert_ok(statvfs("mnt", &vfs));
    assert_int_equal(vfs.f_files, 50);
    assert_int_equal(vfs.f_ffree, 0);
    for (int i = 0; i < 10; i++) {
        char path[64];
        snprintf(path, sizeof(path), "mnt/file%d", i);
        assert_ok(unlink(path));
    }
    assert_int_equal(create_files("again"), 10);
    workspace_unmount(workspace);
}

static void assert_resized(const struct workspace *workspace, const char *size, int64_t bytes)
{
    struct program_result result = run_program(shmapctl(), "resize", workspace->mnt, size, NULL);

    assert_done(&result);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), bytes);
}

static void resized_while_in_use(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m,huge=never");
    int fd = open_file("mnt/file", O_RDWR | O_CREAT);
    assert_ok(fallocate(fd, 0, 0, 4 * MIB));
    char *mapping = map_shared(fd, 4 * MIB);
    memset(mapping, 'x', 4 * MIB);
    assert_errno(fallocate(fd, 0, 4 * MIB, 4 * MIB), ENOSPC);
    assert_resized(workspace, "8m", 8 * MIB);
    assert_ok(fallocate(fd, 0, 4 * MIB, 4 * MIB));
    struct program_result result = run_program(shmapctl(), "resize", workspace->mnt, "6m", NULL);
    assert_refused(&result, FAILED, "6m", "less than", "8.0M", NULL);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 8 * MIB);
    assert_ok(ftruncate(fd, 4 * MIB));
    assert_resized(workspace, "4m", 4 * MIB);
    assert_int_equal(free_pages(), 0);
    assert_true(all_bytes(mapping, 4 * MIB, 'x'));
    result = run_program(shmapctl(), "--json", "resize", workspace->mnt, "1g", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "1073741824"));
    unmap(mapping, 4 * MIB);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static void resized_while_read_only(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, workspace->root ? "size=4m" : "size=4m,ro");
    if (workspace->root) {
        int fd = open_file("mnt/file", O_RDWR | O_CREAT);
        assert_ok(fallocate(fd, 0, 0, MIB));
        assert_ok(close(fd));
        assert_ok(mount(NULL, workspace->mnt, NULL, MS_REMOUNT | MS_RDONLY, NULL));
    }
    assert_resized(workspace, "8m", 8 * MIB);
    struct program_result result = run_program(shmapctl(), "resize", workspace->mnt, "1", NULL);
    assert_refused(&result, FAILED, "1 is out of range", "page", NULL);
    if (workspace->root) {
        result = run_program(shmapctl(), "resize", workspace->mnt, "512k", NULL);
        assert_refused(&result, FAILED, "512k", "less than", NULL);
    }
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 8 * MIB);
    workspace_unmount(workspace);
}

static int resize_as_stranger(void *argument)
{
    struct program_result result =
        run_program(shmapctl(), "resize", (const char *)argument, "1g", NULL);

    coprocess_check(result.status == FAILED);
    coprocess_check(strstr(result.err, "permi") != NULL);
    return 0;
}

static void resized_by_nobody_else(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // A user's mount is not even seen by others.
    workspace_mount(workspace, false, "size=4m");
    assert_int_equal(harness_as(1234, 1234, 0, NULL, resize_as_stranger, workspace->mnt), 0);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 4 * MIB);
    workspace_unmount(workspace);
}

static void sizes_in_every_unit(void **state)
{
    struct workspace *workspace = workspace_of(state);
    uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * PAGE;
    const struct {
        const char *option;
        uint64_t bytes;
    } sizes[] = { { "size=65536", 65536 },          { "size=64k", 65536 },
                  { "size=3M", 3 * MIB },           { "size=1g", 1 << 30 },
                  { "size=1T", UINT64_C(1) << 40 }, { "size=10%", ram / 10 },
                  { "nr_inodes=1k", ram / 2 } };

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        workspace_mount(workspace, false, sizes[i].option);
        uint64_t bytes = (uint64_t)read_status_number(workspace, "ram_area.size");
        // tmpfs counts in pages.
        assert_in_range(bytes, sizes[i].bytes - PAGE, sizes[i].bytes + PAGE);
        workspace_unmount(workspace);
    }
}

static void huge_pages_as_the_kernel_allows(void **state)
{
    static const char *const words[] = { "never", "always", "within_size", "advise" };
    struct workspace *workspace = workspace_of(state);
    char option[64], expected[64];

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        snprintf(option, sizeof(option), "huge=%s", words[i]);
        snprintf(expected, sizeof(expected), "\"huge\":\"%s\"", words[i]);
        workspace_mount(workspace, false, option);
        struct program_result result =
            run_program(shmapctl(), "--json", "status", workspace->mnt, NULL);
        assert_done(&result);
        if (strstr(result.out, expected) == NULL &&
            strstr(result.out, "\"huge\":\"never\"") == NULL)
            fail_msg("neither %s nor never: %s", words[i], result.out);
        put_file("mnt/small", "x");
        workspace_unmount(workspace);
    }
}

static unsigned mounts(void)
{
    struct program_result result = run_program("findmnt", "-n", "-r", "-o", "TARGET", NULL);
    unsigned count = 0;

    assert_done(&result);
    for (const char *at = result.out; (at = strchr(at, '\n')) != NULL; at++)
        count++;
    return count;
}

static void no_path_leads_to_the_area(void **state)
{
    struct workspace *workspace = workspace_of(state);
    unsigned before = mounts();

    workspace_mount(workspace, true, "anon=scratch");
    assert_int_equal(mounts(), before + 1);
    workspace_unmount(workspace);
    assert_int_equal(mounts(), before);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(write_gets_enospc_at_the_limit),
    cmocka_unit_test(fallocate_gets_enospc_at_the_limit),
    cmocka_unit_test(mapped_write_gets_sigbus_at_the_limit),
    cmocka_unit_test(store_has_no_such_limit),
    cmocka_unit_test(files_get_enospc_at_nr_inodes),
    cmocka_unit_test(resized_while_in_use),
    cmocka_unit_test(resized_while_read_only),
    cmocka_unit_test(resized_by_nobody_else),
    cmocka_unit_test(sizes_in_every_unit),
    cmocka_unit_test(huge_pages_as_the_kernel_allows),
    cmocka_unit_test(no_path_leads_to_the_area),
};

WORKSPACE_MAIN("limits", cases)
