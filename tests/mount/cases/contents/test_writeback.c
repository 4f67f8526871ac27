// SPDX-License-Identifier: BSD-2-Clause
// How much may wait in the page cache of a mount that does not pass its files through.
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/mapping.h"
#include "tests/mount/keeper/process.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { KERNELS_RATIO = 1, KERNELS_STRICTNESS = 1, MIB = 1 << 20 };

/* A setting of the mount's backing device; -1: this kernel does not have it. */
static int setting(const char *name)
{
    dev_t device = stat_of("mnt").st_dev;
    char path[128];
    int value = -1;

    snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/%s", major(device), minor(device), name);
    FILE *file = fopen(path, "re");
    if (file == NULL && errno == ENOENT)
        return -1;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &value), 1);
    assert_int_equal(fclose(file), 0);
    return value;
}

static void assert_limits(int ratio, int strictness)
{
    int found = setting("strict_limit"); // since Linux 6.2

    assert_int_equal(setting("max_ratio"), ratio);
    if (found >= 0)
        assert_int_equal(found, strictness);
}

/* Returns whether this process may become one whose writes are not held up by the mount's. */
static bool may_flush(void)
{
    char line[256];
    unsigned long long effective = 0;
    FILE *status = fopen("/proc/self/status", "re");

    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL)
        if (sscanf(line, "CapEff: %llx", &effective) == 1)
            break;
    assert_int_equal(fclose(status), 0);
    return effective >> CAP_SYS_RESOURCE & 1;
}

static bool are_raised(const struct workspace *workspace)
{
    return workspace->root && !workspace->passthrough;
}

static void limits_of_a_mount_with_a_store(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    if (are_raised(workspace))
        assert_limits(100, may_flush() ? 0 : KERNELS_STRICTNESS);
    else
        assert_limits(KERNELS_RATIO, KERNELS_STRICTNESS);
    workspace_unmount(workspace);
}

static void limits_of_a_mount_without_a_store(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    if (are_raised(workspace))
        assert_limits(100, 0);
    else
        assert_limits(KERNELS_RATIO, KERNELS_STRICTNESS);
    workspace_unmount(workspace);
}

static void root_that_may_not_flush(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!are_raised(workspace))
        return;
    struct program_result result =
        run_program("setpriv", "--inh-caps", "-sys_resource", "--bounding-set", "-sys_resource",
                    shmapfs(), "-o", "nopassthrough", workspace->store, workspace->mnt, NULL);
    assert_done(&result);
    assert_limits(100, KERNELS_STRICTNESS);
    workspace_unmount(workspace);
}

/* More than the kernel would let wait is still with it when the daemon is told to end. */
static void all_that_waits_reaches_the_store(void **state)
{
    enum { LENGTH = 256 * MIB };
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", LENGTH)));
    char *mapping = map_path("mnt/file", LENGTH);
    assert_non_null(mapping);
    for (int round = 1; round <= 2; round++)
        memset(mapping, round, LENGTH);
    assert_ok(kill(daemon_of(workspace), SIGTERM));
    assert_int_equal(workspace_await_children(), 0);
    unmap(mapping, LENGTH);
    char *stored = map_path("store/file", LENGTH);
    assert_non_null(stored);
    assert_true(all_bytes(stored, LENGTH, 2));
    unmap(stored, LENGTH);
}

/* Limits how many requests the kernel's writer may have under way; 0: it sends none. */
static void let_writer_send(unsigned connection, unsigned count)
{
    char path[128];

    assert_ok(mkdir("control", 0755));
    assert_ok(mount("none", "control", "fusectl", 0, NULL));
    snprintf(path, sizeof(path), "control/%u/max_background", connection);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fprintf(file, "%u", count) > 0);
    assert_int_equal(fclose(file), 0);
    assert_ok(umount("control"));
    assert_ok(rmdir("control"));
}

static bool is_out_of_sight(void *mountpoint)
{
    return !workspace_is_mounted(mountpoint);
}

/* On a busy machine the kernel's writer begins long after other requests were answered. */
static void a_writer_that_is_late_is_waited_for(void **state)
{
    enum { LENGTH = 16 * MIB, LATE_MILLISECONDS = 500 };
    struct workspace *workspace = workspace_of(state);

    if (!are_raised(workspace))
        return;
    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", LENGTH)));
    char *mapping = map_path("mnt/file", LENGTH);
    assert_non_null(mapping);
    assert_ok(close(new_file("mnt/other", page_size())));
    char *other = map_path("mnt/other", page_size());
    assert_non_null(other);
    memset(mapping, 1, LENGTH);
    unsigned connection = minor(stat_of(workspace->mnt).st_dev);
    let_writer_send(connection, 0);
    pid_t daemon = daemon_of(workspace);
    struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, daemon, 0), .events = POLLIN };
    assert_ok(end.fd);
    assert_ok(kill(daemon, SIGTERM));
    await_true(is_out_of_sight, workspace->mnt, "the end of the mount");
    assert_int_equal(poll(&end, 1, LATE_MILLISECONDS), 0);
    assert_ok(close(end.fd));
    let_writer_send(connection, 12);
    // The kernel looks at the queue when something is put into it, which may come too late itself.
    other[0] = 1;
    msync(other, page_size(), MS_SYNC);
    assert_int_equal(workspace_await_children(), 0);
    unmap(mapping, LENGTH);
    unmap(other, page_size());
    char *stored = map_path("store/file", LENGTH);
    assert_non_null(stored);
    assert_true(all_bytes(stored, LENGTH, 1));
    unmap(stored, LENGTH);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(limits_of_a_mount_with_a_store),
    cmocka_unit_test(limits_of_a_mount_without_a_store),
    cmocka_unit_test(root_that_may_not_flush),
    cmocka_unit_test(all_that_waits_reaches_the_store),
    cmocka_unit_test(a_writer_that_is_late_is_waited_for),
};

WORKSPACE_MAIN("writeback", cases)
