// SPDX-License-Identifier: BSD-2-Clause
/* The processes of a mount may do what docs/security.md says, and no more. */
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/process.h"
#include "tests/mount/keeper/surviving_mount.h"
#include "tests/mount/keeper/upgrade.h"
#include "tests/mount/workspace/workspace.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))

/* The table of docs/security.md. */
static const uint64_t OF_WORKER =
    BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) |
    BIT(CAP_FSETID) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_MKNOD) | BIT(CAP_SETFCAP) |
    BIT(CAP_SYS_ADMIN) | BIT(CAP_IPC_LOCK) | BIT(CAP_LEASE) | BIT(CAP_LINUX_IMMUTABLE);
static const uint64_t OF_KEEPER = OF_WORKER | BIT(CAP_SETPCAP);

struct rights {
    uint64_t permitted, effective, bounding, inheritable, ambient;
    int no_new_privileges;
    int filter; // 2: of system calls
};

static struct rights rights_of(pid_t pid)
{
    struct rights rights = { .no_new_privileges = -1, .filter = -1 };
    char path[64], line[256];

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    assert_non_null(status);
    while (fgets(line, sizeof(line), status) != NULL) {
        sscanf(line, "CapPrm: %" SCNx64, &rights.permitted);
        sscanf(line, "CapEff: %" SCNx64, &rights.effective);
        sscanf(line, "CapBnd: %" SCNx64, &rights.bounding);
        sscanf(line, "CapInh: %" SCNx64, &rights.inheritable);
        sscanf(line, "CapAmb: %" SCNx64, &rights.ambient);
        sscanf(line, "NoNewPrivs: %d", &rights.no_new_privileges);
        sscanf(line, "Seccomp: %d", &rights.filter);
    }
    fclose(status);
    return rights;
}

static void check_rights(pid_t pid, uint64_t documented)
{
    struct rights rights = rights_of(pid);
    // A container may have started us with less.
    uint64_t expected = documented & rights_of(getpid()).permitted;

    assert_int_equal(rights.permitted, expected);
    assert_int_equal(rights.effective, expected & ~BIT(CAP_FSETID) & ~BIT(CAP_LINUX_IMMUTABLE));
    assert_int_equal(rights.bounding, expected);
    assert_int_equal(rights.inheritable, 0);
    assert_int_equal(rights.ambient, 0);
    assert_int_equal(rights.no_new_privileges, 1);
    // The keeper executes the next version, and would hand a filter down to it.
    if (documented == OF_KEEPER)
        assert_int_equal(rights.filter, rights_of(getpid()).filter);
#ifdef SHMAPFS_SECCOMP
    else
        assert_int_equal(rights.filter, 2);
#endif
}

static void check_processes(pid_t keeper)
{
    check_rights(keeper, OF_KEEPER);
    check_rights(keeper_worker(keeper), OF_WORKER);
    check_rights(keeper_standby(keeper), OF_WORKER);
}

static void nobody_has_more_than_is_documented(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = start_upgradable(workspace);

    check_processes(keeper);
    kill_and_wait(keeper_worker(keeper));
    put_file("mnt/file", "contents");
    check_processes(keeper);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_content("mnt/file", "contents");
    check_processes(keeper);
    keeper_stop(workspace, keeper);
}

/* Calls that take a right of the daemon's, after each change of its processes. */
static void use_rights(const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    snprintf(path, sizeof(path), "mnt/%s", name);
    assert_ok(mknod(path, S_IFCHR | 0600, makedev(1, 3)));
    assert_ok(chown(path, 1234, 2345));
    assert_ok(stat(path, &st));
    assert_int_equal(st.st_uid, 1234);
    assert_ok(unlink(path));
    put_file(path, "contents");
    assert_ok(chown(path, 1234, 2345));
    assert_ok(chmod(path, 06755));
    assert_ok(stat(path, &st));
    assert_int_equal(st.st_mode & 07777, 06755);
    assert_ok(chmod(path, 0));
    assert_content(path, "contents");
    snprintf(path, sizeof(path), "mnt/%s-directory", name);
    assert_ok(mkdir(path, 0755));
    assert_ok(chmod(path, 02755));
    assert_ok(stat(path, &st));
    assert_int_equal(st.st_mode & 07777, 02755);
}

static void rights_that_are_needed_are_there(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = start_upgradable(workspace);

    use_rights("first");
    kill_and_wait(keeper_worker(keeper));
    use_rights("second");
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    use_rights("third");
    keeper_stop(workspace, keeper);
}

/* The daemon of a user's mount has the rights of the user, who needs a program to unmount. */
static void user_has_none(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (workspace->root)
        return;
    mount_surviving(workspace, false, "");
    struct mount_status status = mount_status_of(workspace);
    struct rights ours = rights_of(getpid());
    pid_t pids[] = { (pid_t)status.keeper, (pid_t)status.pid };
    for (int i = 0; i < 2; i++) {
        struct rights rights = rights_of(pids[i]);
        assert_int_equal(rights.effective, ours.effective & OF_KEEPER);
        assert_int_equal(rights.no_new_privileges, !!(rights.effective & BIT(CAP_SYS_ADMIN)));
    }
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(user_has_none),
    cmocka_unit_test(nobody_has_more_than_is_documented),
    cmocka_unit_test(rights_that_are_needed_are_there),
};

ROOT_LAST_MAIN("rights", cases, 2)
