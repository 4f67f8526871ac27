// SPDX-License-Identifier: BSD-2-Clause
// A mount that was taken out of sight while a file in it was open.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void detach(const struct workspace *workspace)
{
    if (workspace->root) {
        assert_ok(umount2(workspace->mnt, MNT_DETACH));
    } else {
        struct program_result result = run_program("fusermount3", "-u", "-z", workspace->mnt, NULL);
        assert_done(&result);
    }
    assert_false(workspace_is_mounted(workspace->mnt));
}

static void goes_on_until_the_last_close(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    int fd = open_file("mnt/file", O_RDWR | O_CREAT);
    detach(workspace);
    assert_int_equal(pwrite(fd, "contents", 8, 0), 8);
    assert_ok(fsync(fd));
    assert_content("store/file", "contents");
    assert_ok(close(fd));
    assert_int_equal(workspace_await_children(), 0);
}

/* The end of its daemon by a signal is nothing to a mount that was made in its place meanwhile. */
static void its_end_spares_the_mount_in_its_place(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    pid_t first = daemon_of(workspace);
    int fd = open_file("mnt/first", O_RDWR | O_CREAT);
    assert_int_equal(pwrite(fd, "first", 5, 0), 5);
    detach(workspace);
    workspace_mount(workspace, false, "");
    put_file("mnt/second", "contents");
    int held = open_file("mnt/second", O_RDWR);
    assert_ok(kill(first, SIGTERM));
    assert_int_equal(wait_for_process(first), 0);
    assert_true(workspace_is_mounted(workspace->mnt));
    assert_true(daemon_of(workspace) != first);
    assert_content("mnt/second", "contents");
    put_file("mnt/third", "works");
    assert_int_equal(pwrite(held, "C", 1, 0), 1);
    assert_content("mnt/second", "Contents");
    assert_ok(close(held));
    close(fd); // Its daemon is gone: whether this is an error is up to the data path.
    workspace_unmount(workspace);
}

enum { ATTEMPTS = 100 };

static uint64_t id_of_mount(const char *path)
{
    struct statx stx;

    assert_ok(statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_MNT_ID, &stx));
    return stx.stx_mnt_id;
}

/* Mounts a tmpfs there that has an id that was another mount's. Returns false if somebody else has
 * been faster. */
static bool mount_with_id(const char *path, uint64_t id)
{
    assert_ok(mount("other", path, "tmpfs", 0, NULL));
    if (id_of_mount(path) == id)
        return true;
    assert_ok(umount2(path, 0));
    return false;
}

/* A daemon that hears late of the end of its mount takes away no other one that has its id. */
static void its_end_spares_the_mount_with_its_id(void **state)
{
    struct workspace *workspace = workspace_of(state);
    bool shown = false;

    assert_ok(mkdir("other", 0755));
    for (int i = 0; i < ATTEMPTS && !shown; i++) {
        workspace_mount(workspace, false, "");
        pid_t worker = (pid_t)read_status_number(workspace, "pid");
        uint64_t id = id_of_mount(workspace->mnt);
        stop_process(worker);
        assert_ok(umount2(workspace->mnt, MNT_DETACH));
        shown = mount_with_id("other", id);
        assert_ok(kill(worker, SIGCONT));
        assert_int_equal(workspace_await_children(), 0);
    }
    assert_true(shown);
    assert_ok(umount2("other", 0));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(goes_on_until_the_last_close),
    cmocka_unit_test(its_end_spares_the_mount_in_its_place),
    // Of root alone:
    cmocka_unit_test(its_end_spares_the_mount_with_its_id),
};

ROOT_LAST_MAIN("detach", cases, 1)
