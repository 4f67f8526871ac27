// SPDX-License-Identifier: BSD-2-Clause
/* Resource limits of whoever starts a mount. */
#include "tests/mount/harness/files.h"
#include "tests/mount/survive/mount_status.h"
#include "tests/mount/workspace/workspace.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
    int resource;
    const char *low; // for the shell's ulimit
    const char *words[2];
} limits[] = {
    { RLIMIT_FSIZE, "-f 100", { "ulimit -f", "unlimited" } },
    { RLIMIT_CPU, "-t 1", { "ulimit -t", "at least 600" } },
    { RLIMIT_AS, "-v 200000", { "ulimit -v", "at least" } },
    { RLIMIT_DATA, "-d 20000", { "ulimit -d", "at least" } },
    { RLIMIT_STACK, "-s 160", { "ulimit -s", "at least 262144" } },
};
enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

static struct program_result mount_with(const struct workspace *workspace, const char *which,
                                        const char *limit)
{
    char script[128];

    snprintf(script, sizeof(script), "ulimit %s %s && exec \"$@\"", which, limit);
    return run_program("bash", "-c", script, "bash", shmapfs(), workspace->mnt, "-o",
                       workspace->nopassthrough ? "nopassthrough" : "defaults", NULL);
}

static bool may_raise_limits(const struct workspace *workspace)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];

    assert_ok(syscall(SYS_capget, &header, sets));
    return workspace->root && sets[0].effective & 1U << CAP_SYS_RESOURCE;
}

static void hard_limits_are_raised_or_named(void **state)
{
    struct workspace *workspace = workspace_of(state);

    for (int i = 0; i < LIMITS; i++) {
        struct program_result result = mount_with(workspace, "-SH", limits[i].low);
        if (may_raise_limits(workspace)) {
            assert_done(&result);
            workspace_unmount(workspace);
        } else {
            assert_refused(&result, 1, limits[i].words[0], limits[i].words[1], NULL);
            assert_false(workspace_is_mounted(workspace->mnt));
        }
    }
}

static void check_limits(pid_t pid)
{
    struct rlimit limit;

    for (int i = 0; i < LIMITS; i++) {
        assert_ok(prlimit(pid, (enum __rlimit_resource)limits[i].resource, NULL, &limit));
        assert_true(limit.rlim_cur == limit.rlim_max || limit.rlim_cur >= 256 << 10);
    }
    assert_ok(prlimit(pid, RLIMIT_CPU, NULL, &limit));
    assert_true(limit.rlim_cur == RLIM_INFINITY);
    assert_ok(prlimit(pid, RLIMIT_FSIZE, NULL, &limit));
    assert_true(limit.rlim_cur == RLIM_INFINITY);
    assert_ok(prlimit(pid, RLIMIT_CORE, NULL, &limit));
    assert_true(limit.rlim_cur == 0);
}

static void soft_limits_are_raised(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct mount_status status;

    for (int i = 0; i < LIMITS; i++) {
        struct program_result result = mount_with(workspace, "-S", limits[i].low);
        assert_done(&result);
        assert_int_equal(read_mount_status(workspace->mnt, &status), 0);
        if (status.keeper != 0)
            check_limits((pid_t)status.keeper);
        check_limits((pid_t)status.pid);
        put_file("mnt/file", "contents");
        workspace_unmount(workspace);
    }
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(hard_limits_are_raised_or_named),
    cmocka_unit_test(soft_limits_are_raised),
};

WORKSPACE_MAIN("start_limits", cases)
