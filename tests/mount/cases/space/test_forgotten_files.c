// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors of files that the kernel forgets, or may forget: how many there are, and when the
 * daemon lets them go. */
#include "tests/mount/cases/space/few_descriptors.h"
#include "tests/mount/cases/space/numbered_files.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct expected {
    const struct workspace *workspace;
    unsigned count;
};

static bool are_known(void *argument)
{
    const struct expected *files = argument;

    read_files((int)files->count);
    return read_status_number(files->workspace, "nodes") >= files->count;
}

/* Anything else that the machine does may make the kernel forget some of them at any time. */
static void make_the_kernel_know(const struct workspace *workspace, unsigned files)
{
    struct expected all = { workspace, files };

    assert_true(becomes_true(are_known, &all));
}

static void bounded_whatever_is_looked_up(void **state)
{
    enum { FILES = 2000, BOUND = 200 };
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Without file handles each file costs a descriptor.
    workspace_mount(workspace, true, "descriptors=100,anon=scratch");
    make_files(FILES);
    make_the_kernel_know(workspace, FILES);
    stat_files(FILES);
    assert_in_range(descriptors_of(worker_of(workspace)), 1, BOUND);
    assert_in_range(read_status_number(workspace, "descriptors"), 0, 110);
    assert_int_equal(read_status_number(workspace, "open_files"), 0);
    workspace_unmount(workspace);
}

static void forgotten_files_are_let_go(void **state)
{
    enum { FILES = 2000 };
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    unsigned before = descriptors_of(worker_of(workspace));
    make_files(FILES);
    read_files(FILES);
    for (int i = 0; i < FILES; i++) {
        char path[64];
        assert_ok(unlink(numbered(i, path)));
    }
    for (int i = 0; i < FILES / 1000; i++) {
        char path[64];
        snprintf(path, sizeof(path), "mnt/d%d", i);
        assert_ok(rmdir(path));
    }
    assert_true(status_becomes(workspace, "nodes", 4));
    assert_few_descriptors(workspace, before + 4);
    workspace_unmount(workspace);
}

static void let_go_when_the_kernel_needs_memory(void **state)
{
    enum { FILES = 2000 };
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Only root can make the kernel forget.
    workspace_mount(workspace, true, "");
    unsigned before = descriptors_of(worker_of(workspace));
    make_files(FILES);
    make_the_kernel_know(workspace, FILES);
    int fd = open_file("/proc/sys/vm/drop_caches", O_WRONLY);
    assert_int_equal(write(fd, "2", 1), 1);
    assert_ok(close(fd));
    assert_true(status_becomes(workspace, "nodes", FILES / 10));
    assert_in_range(descriptors_of(worker_of(workspace)), 1, before + FILES / 10);
    read_files(FILES);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(bounded_whatever_is_looked_up),
    cmocka_unit_test(forgotten_files_are_let_go),
    cmocka_unit_test(let_go_when_the_kernel_needs_memory),
};

WORKSPACE_MAIN("forgotten_files", cases)
