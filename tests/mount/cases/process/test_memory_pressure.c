// SPDX-License-Identifier: BSD-2-Clause
/* What happens to a mount when memory is short. */
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/surviving_mount.h"
#include "tests/mount/workspace/workspace.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int oom_score(pid_t pid)
{
    char path[64];
    int score = 0;

    snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &score), 1);
    fclose(file);
    return score;
}

/* Whether a daemon of ours may go later than it was told to. */
static bool may_lower_score(const struct workspace *workspace)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];

    assert_ok(syscall(SYS_capget, &header, sets));
    return workspace->root && sets[0].effective & 1U << CAP_SYS_RESOURCE;
}

static void mount_with_score(const struct workspace *workspace, const char *score)
{
    struct program_result result =
        run_program("sh", "-c", "echo $0 >/proc/self/oom_score_adj && exec \"$@\"", score,
                    shmapfs(), workspace->mnt, "-o",
                    workspace->passthrough ? "defaults" : "nopassthrough", NULL);

    assert_done(&result);
}

static void check_order(struct workspace *workspace, const char *given, int keeper_most)
{
    mount_with_score(workspace, given);
    struct mount_status status = mount_status_of(workspace);
    if (status.survival[0] != '\0')
        harness_skip_case(status.survival);
    int keeper = oom_score((pid_t)status.keeper);
    pid_t standby = keeper_standby((pid_t)status.keeper);

    assert_in_range(keeper + 1000, 0, 1000 + (may_lower_score(workspace) ? -1000 : keeper_most));
    assert_true(oom_score((pid_t)status.pid) > keeper);
    // It has its score before it has its title.
    assert_true(oom_score(standby) > keeper);
    workspace_unmount(workspace);
}

/* The workers are replaced, and the keeper is not. */
static void keeper_goes_last(void **state)
{
    check_order(workspace_of(state), "0", 0);
    // As a desktop's session does to its programs; then as low as that lets them go.
    check_order(workspace_of(state), "300", 0);
    check_order(workspace_of(state), "1000", 0);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(keeper_goes_last),
};

WORKSPACE_MAIN("memory_pressure", cases)
