// SPDX-License-Identifier: BSD-2-Clause
/* The space of files that are gone comes back. */
#include "tests/mount/cases/space/free_pages.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/mapping.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20, PAGE = 4096 };

static int hold_mapping(struct coprocess *parent, void *argument)
{
    (void)argument;
    char *mapping = map_path("mnt/file", MIB);
    coprocess_check(mapping != NULL);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    coprocess_check(all_bytes(mapping, MIB, 'x'));
    return 0;
}

static void space_of_unlinked_files_comes_back(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, false, "size=8m,huge=never");
    fsblkcnt_t all = free_pages();
    int fd = new_file("mnt/file", MIB);
    char *mapping = map_shared(fd, MIB);
    memset(mapping, 'x', MIB);
    assert_ok(msync(mapping, MIB, MS_SYNC));
    assert_int_equal(coprocess_start(&coprocess, hold_mapping, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    assert_ok(unlink("mnt/file"));
    assert_int_equal(free_pages(), all - MIB / PAGE);
    assert_ok(close(fd)); // A mapping of this process still holds it.
    assert_int_equal(free_pages(), all - MIB / PAGE);
    unmap(mapping, MIB); // And now only one of another process.
    assert_int_equal(free_pages(), all - MIB / PAGE);
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_true(pages_become_free(all));
    workspace_unmount(workspace);
}

static void space_of_replaced_and_closed_files_comes_back(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=8m,huge=never");
    fsblkcnt_t all = free_pages();
    for (int i = 0; i < 20; i++) { // Together more than there is.
        int fd = open_file("mnt/new", O_RDWR | O_CREAT | O_EXCL);
        assert_int_equal(posix_fallocate(fd, 0, MIB), 0);
        assert_ok(rename("mnt/new", "mnt/file"));
        assert_ok(close(fd));
        assert_true(pages_become_free(all - MIB / PAGE));
    }
    assert_ok(unlink("mnt/file"));
    assert_true(pages_become_free(all));
    int fd = open_file("mnt", O_TMPFILE | O_RDWR);
    assert_int_equal(posix_fallocate(fd, 0, MIB), 0);
    assert_int_equal(free_pages(), all - MIB / PAGE);
    assert_ok(close(fd));
    assert_true(pages_become_free(all));
    workspace_unmount(workspace);
}

static int allocate_at_once(int fd)
{
    return fallocate(fd, 0, 0, 3 * MIB);
}

static int write_at_once(int fd)
{
    static const char chunk[MIB] = { 'x' };

    for (int i = 0; i < 3; i++)
        if (write(fd, chunk, MIB) != MIB)
            return -1;
    return fsync(fd);
}

/* The kernel tells the daemon of the last use of a file after the call that ended it, which is
 * nothing that a program should notice. */
static void space_of_a_removed_file_is_there_at_once(void **state)
{
    static int (*const fills[])(int fd) = { allocate_at_once, write_at_once };
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m");
    for (int i = 0; i < 200; i++) {
        int fd = open_file("mnt/file", O_WRONLY | O_CREAT | O_EXCL);
        if (fills[i / 100](fd) == -1)
            fail_msg("file %d: %s", i, strerror(errno));
        assert_ok(close(fd));
        assert_ok(unlink("mnt/file"));
    }
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(space_of_unlinked_files_comes_back),
    cmocka_unit_test(space_of_replaced_and_closed_files_comes_back),
    cmocka_unit_test(space_of_a_removed_file_is_there_at_once),
};

WORKSPACE_MAIN("freed_space", cases)
