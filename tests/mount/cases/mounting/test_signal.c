// SPDX-License-Identifier: BSD-2-Clause
// A signal to the daemon ends its own mount wherever it is by then, with all that programs had
// written.
#include "tests/mount/cases/mounting/store_contents.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

/* A mapping that nobody syncs or unmaps is as good as written. */
static void writes_through_a_kept_mapping_reach_the_store(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    for (int i = 0; i < 5; i++) {
        workspace_mount(workspace, true, "");
        snprintf(path, sizeof(path), "mnt/file%d", i);
        assert_ok(close(new_file(path, MIB)));
        char *mapping = map_path(path, MIB);
        assert_non_null(mapping);
        memset(mapping, 'a' + i, MIB);
        assert_ok(kill(daemon_of(workspace), SIGTERM));
        assert_int_equal(workspace_await_children(), 0);
        assert_false(workspace_is_mounted(workspace->mnt));
        snprintf(path, sizeof(path), "store/file%d", i);
        assert_int_equal(stat_of(path).st_size, MIB);
        char *written = map_path(path, MIB);
        assert_non_null(written);
        assert_true(all_bytes(written, MIB, (char)('a' + i)));
        unmap(written, MIB);
        unmap(mapping, MIB);
    }
}

static void mount_on_top_stays(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Only root can mount something else there.
    workspace_mount(workspace, true, "");
    put_file("mnt/below", "contents");
    pid_t daemon = daemon_of(workspace);
    assert_ok(mount("tmpfs", workspace->mnt, "tmpfs", 0, "size=1m"));
    put_file("mnt/above", "contents");
    assert_ok(kill(daemon, SIGTERM));
    assert_int_equal(workspace_await_children(), 0);
    assert_true(workspace_is_mounted(workspace->mnt));
    assert_content("mnt/above", "contents");
    assert_content("store/below", "contents");
    assert_ok(umount(workspace->mnt));
    // Mounts below may remain without a daemon, but in nobody's way.
    if (workspace_is_mounted(workspace->mnt))
        assert_ok(umount2(workspace->mnt, MNT_DETACH));
    workspace_mount(workspace, true, "");
    assert_content("mnt/below", "contents");
    workspace_unmount(workspace);
}

static void mount_that_was_moved_is_found(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct workspace inner = *workspace;

    assert_ok(mkdir("parent", 0755));
    assert_ok(mkdir("parent/mnt", 0755));
    snprintf(inner.mnt, sizeof(inner.mnt), "%s/parent/mnt", workspace->dir);
    workspace_mount(&inner, true, "");
    put_file("parent/mnt/file", "contents");
    pid_t daemon = daemon_of(&inner);
    assert_ok(rename("parent", "renamed"));
    snprintf(inner.mnt, sizeof(inner.mnt), "%s/renamed/mnt", workspace->dir);
    assert_true(workspace_is_mounted(inner.mnt));
    assert_ok(kill(daemon, SIGTERM));
    assert_int_equal(workspace_await_children(), 0);
    assert_false(workspace_is_mounted(inner.mnt));
    assert_false(exists("renamed/mnt/file"));
    assert_content("store/file", "contents");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(writes_through_a_kept_mapping_reach_the_store),
    cmocka_unit_test(mount_on_top_stays),
    cmocka_unit_test(mount_that_was_moved_is_found),
};

WORKSPACE_MAIN("signal", cases)
