// SPDX-License-Identifier: BSD-2-Clause
/* A mount when memory is short. */
#include "tests/mount/cases/process/memory_cgroup.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/surviving_mount.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

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

/* Returns whether a daemon of ours may go later than it was told to. */
static bool may_lower_score(const struct workspace *workspace)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];

    assert_ok(syscall(SYS_capget, &header, sets));
    return workspace->root && sets[0].effective & 1U << CAP_SYS_RESOURCE;
}

static void mount_with_score(const struct workspace *workspace, const char *score)
{
    struct program_result result = run_program(
        "sh", "-c", "echo $0 >/proc/self/oom_score_adj && exec \"$@\"", score, shmapfs(),
        workspace->mnt, "-o", workspace->nopassthrough ? "nopassthrough" : "defaults", NULL);

    assert_done(&result);
}

static void check_order(struct workspace *workspace, const char *given, int keeper_most)
{
    mount_with_score(workspace, given);
    need_survival(workspace);
    struct mount_status status = mount_status_of(workspace);
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

/* Makes a control group with a limit of memory, and mounts from within it. */
static void mount_within(const struct workspace *workspace, struct memory_cgroup *cgroup,
                         const char *options)
{
    char all[256];

    snprintf(all, sizeof(all), "%s%s", options, workspace->nopassthrough ? ",nopassthrough" : "");
    memory_cgroup_make(cgroup, 64 * MIB);
    struct program_result result =
        run_program("sh", "-c", "echo 0 >$0 && exec \"$@\"", cgroup->processes, shmapfs(),
                    workspace->mnt, "-o", all, NULL);
    assert_done(&result);
    struct mount_status status = mount_status_of(workspace);
    if (status.survival[0] == '\0')
        return;
    workspace_unmount(workspace);
    memory_cgroup_remove(cgroup);
    harness_skip_case(status.survival);
}

static void check_survival(const struct workspace *workspace)
{
    struct mount_status status = mount_status_of(workspace);

    assert_int_equal(status.restarts, 0);
    put_file("mnt/file", "contents");
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

/* Makes files until there is no memory for more; returns how many. */
static int fill_with_files(int most)
{
    char path[64];
    int count = 0;
    int fd;

    do {
        snprintf(path, sizeof(path), "mnt/%d", count++);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd >= 0)
            close(fd);
    } while (fd >= 0 && count < most);
    return fd < 0 ? count - 1 : count;
}

static int make_directory(const char *path)
{
    return mkdir(path, 0755);
}

static int make_symlink(const char *path)
{
    return symlink("target", path);
}

/* The kernel may have freed some memory since the last file. */
static void assert_ends(int (*make)(const char *path))
{
    char path[64];
    int count = 0;

    do
        snprintf(path, sizeof(path), "mnt/%p-%d", (void *)(uintptr_t)make, count++);
    while (make(path) == 0 && count < 1000);
    assert_int_equal(errno, ENOSPC);
    while (--count > 0) {
        snprintf(path, sizeof(path), "mnt/%p-%d", (void *)(uintptr_t)make, count - 1);
        assert_ok(remove(path));
    }
}

static void empty_files_end_before_the_memory(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct memory_cgroup cgroup;
    char path[64];

    mount_within(workspace, &cgroup, "nr_inodes=1m");
    int count = fill_with_files(100000);
    assert_int_equal(errno, ENOSPC);
    assert_in_range(count, 1000, 99999);
    assert_ends(make_directory);
    assert_ends(make_symlink);
    assert_ok(access("mnt/1", F_OK));
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "mnt/%d", i);
        assert_ok(unlink(path));
    }
    check_survival(workspace);
    memory_cgroup_remove(&cgroup);
}

static void attributes_end_before_the_memory(void **state)
{
    static char value[60000];
    struct workspace *workspace = workspace_of(state);
    struct memory_cgroup cgroup;
    char path[64];
    int result = 0;
    int count = 0;

    need_user_attributes("/dev/shm");
    mount_within(workspace, &cgroup, "nr_inodes=1m");
    memset(value, 'x', sizeof(value));
    while (result == 0 && count < 4000) {
        snprintf(path, sizeof(path), "mnt/%d", count++);
        result = mknod(path, S_IFREG | 0644, 0);
        if (result == 0)
            result = setxattr(path, "user.large", value, sizeof(value), 0);
    }
    assert_int_equal(errno, ENOSPC);
    assert_in_range(count, 10, 3999);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "mnt/%d", i);
        unlink(path); // the last one may not have been made
    }
    check_survival(workspace);
    memory_cgroup_remove(&cgroup);
}

/* Pages that the daemon allocates are its memory; those that a program allocates are the
 * program's. */
static void contents_end_before_the_memory(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct memory_cgroup cgroup;

    mount_within(workspace, &cgroup, "size=1g");
    int fd = open_file("mnt/large", O_RDWR | O_CREAT);
    assert_int_equal(posix_fallocate(fd, 0, 512 * MIB), ENOSPC);
    assert_int_equal(posix_fallocate(fd, 0, MIB), 0);
    if (!workspace->passthrough) {
        static char data[MIB];
        off_t end = 0;
        memset(data, 'x', sizeof(data));
        while (end < 512 * MIB && pwrite(fd, data, MIB, end) == MIB)
            end += MIB;
        assert_int_equal(errno, ENOSPC);
        assert_in_range(end, MIB, 512 * MIB - 1);
        // These pages are there.
        assert_int_equal(pwrite(fd, data, MIB, 0), MIB);
    }
    assert_ok(close(fd));
    assert_ok(unlink("mnt/large"));
    check_survival(workspace);
    memory_cgroup_remove(&cgroup);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(keeper_goes_last),
    // An ordinary user has no control groups to make.
    cmocka_unit_test(empty_files_end_before_the_memory),
    cmocka_unit_test(attributes_end_before_the_memory),
    cmocka_unit_test(contents_end_before_the_memory),
};

ROOT_LAST_MAIN("memory_pressure", cases, 3)
