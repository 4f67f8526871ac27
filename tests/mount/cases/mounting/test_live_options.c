// SPDX-License-Identifier: BSD-2-Clause
// Options that change while the mount is in use: mount -o remount. Root's cases call mount(8), which
// finds the helper in its place; users call shmapfs.
#include "tests/mount/cases/mounting/mount_helper.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/kernel.h"
#include "tests/mount/harness/mapping.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

#define assert_not_remounted(workspace, changes, ...)                             \
    do {                                                                          \
        struct program_result outcome_ = try_remount(workspace, changes);         \
        assert_refused(&outcome_, (workspace)->root ? 32 : 1, __VA_ARGS__, NULL); \
    } while (0)

static void assert_huge(const struct workspace *workspace, const char *word)
{
    char text[16384], member[64];
    ssize_t length = getxattr(workspace->mnt, "user.shmapfs.status", text, sizeof(text) - 1);

    assert_ok(length);
    text[length] = '\0';
    snprintf(member, sizeof(member), "\"huge\":\"%s\"", word);
    if (strstr(text, member) == NULL)
        fail_msg("no %s in %s", member, text);
}

static void limits_change(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    workspace_mount(workspace, true, "size=4m,nr_inodes=2k,huge=never,anon=scratch");
    put_file("mnt/scratch/file", "contents");
    remount(workspace, "size=8m");
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 8 * MIB);
    assert_int_equal(read_status_number(workspace, "ram_area.inodes"), 2048);
    remount(workspace, "nr_blocks=1k,nr_inodes=3k,mpol=default");
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 1024 * sysconf(_SC_PAGESIZE));
    assert_int_equal(read_status_number(workspace, "ram_area.inodes"), 3072);
    assert_content("mnt/scratch/file", "contents");
    workspace_unmount(workspace);
    end_helper(workspace);
}

/* Returns whether another worker than the one with this number serves. */
static bool serves_anew(void *argument)
{
    const struct workspace *workspace = ((void **)argument)[0];
    const int64_t *before = ((void **)argument)[1];

    return read_status_number(workspace, "pid") != *before;
}

static void kill_worker(const struct workspace *workspace)
{
    int64_t pid = read_status_number(workspace, "pid");
    void *arguments[] = { (void *)(uintptr_t)workspace, &pid };

    assert_ok(kill((pid_t)pid, SIGKILL));
    assert_true(becomes_true(serves_anew, arguments));
}

static void changes_outlive_workers_and_binaries(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    workspace_mount(workspace, true, "size=4m,huge=never,timeout=1000");
    put_file("store/old", "1");
    assert_int_equal(stat_of("mnt/old").st_size, 1);
    remount(workspace, "size=8m,huge=advise,timeout=0");
    struct program_result result = run_program(shmapctl(), "upgrade", workspace->mnt, NULL);
    assert_done(&result);
    kill_worker(workspace);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 8 * MIB);
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0)
        assert_huge(workspace, "advise");
    // Changes behind the mount are seen at once.
    put_file("store/file", "1");
    assert_int_equal(stat_of("mnt/file").st_size, 1);
    put_file("store/file", "12345");
    assert_int_equal(stat_of("mnt/file").st_size, 5);
    if (workspace->root) { // The kernel has forgotten how long it was to trust names.
        put_file("store/old", "12345");
        assert_int_equal(stat_of("mnt/old").st_size, 5);
    }
    remount(workspace, "timeout=1000");
    put_file("store/late", "1");
    assert_int_equal(stat_of("mnt/late").st_size, 1);
    put_file("store/late", "12345");
    assert_int_equal(stat_of("mnt/late").st_size, 1);
    workspace_unmount(workspace);
    end_helper(workspace);
}

static void flags_change(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // The kernel lets nobody else.
    begin_helper(workspace);
    workspace_mount(workspace, true, "nodiratime");
    put_file("mnt/file", "contents");
    remount(workspace, "ro,noexec");
    assert_int_equal(flags_of(workspace) & (ST_RDONLY | ST_NOEXEC | ST_NODIRATIME),
                     ST_RDONLY | ST_NOEXEC | ST_NODIRATIME);
    assert_errno(open("mnt/file", O_WRONLY), EROFS);
    assert_content("mnt/file", "contents");
    remount(workspace, "size=8m"); // A mount that is read-only changes, too.
    assert_int_equal(flags_of(workspace) & ST_RDONLY, ST_RDONLY);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 8 * MIB);
    remount(workspace, "rw,exec,suid,dev");
    assert_int_equal(flags_of(workspace) & (ST_RDONLY | ST_NOEXEC | ST_NOSUID | ST_NODEV), 0);
    put_file("mnt/file", "more");
    remount(workspace, "nosuid");
    assert_int_equal(flags_of(workspace) & (ST_NOSUID | ST_NODEV), ST_NOSUID);
    workspace_unmount(workspace);
    end_helper(workspace);
}

static void read_only_store_becomes_writable(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return;
    need_user_attributes("/dev/shm");
    begin_helper(workspace);
    put_file("store/file", "contents");
    workspace_mount(workspace, true, "ro");
    assert_content("mnt/file", "contents");
    remount(workspace, "rw");
    put_file("mnt/new", "new");
    put_file("mnt/file", "changed");
    assert_content("store/file", "changed");
    assert_content("store/new", "new");
    workspace_unmount(workspace);
    // Not where it could not be written to.
    assert_ok(mount("tmpfs", workspace->store, "tmpfs", MS_RDONLY, NULL));
    workspace_mount(workspace, true, "ro,size=4m");
    assert_not_remounted(workspace, "rw,size=8m", "'rw'", "STORE is read-only");
    assert_int_equal(flags_of(workspace) & ST_RDONLY, ST_RDONLY);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 4 * MIB);
    workspace_unmount(workspace);
    assert_ok(umount(workspace->store));
    end_helper(workspace);
}

static time_t access_after_reading(const char *path)
{
    const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };

    assert_ok(utimensat(AT_FDCWD, path, times, 0));
    int fd = open_file(path, O_RDONLY);
    char byte;
    assert_int_equal(read(fd, &byte, 1), 1);
    assert_ok(close(fd));
    return stat_of(path).st_atim.tv_sec;
}

static void access_times_change(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root || !workspace->passthrough)
        return; // Otherwise reads may come from a cache.
    begin_helper(workspace);
    workspace_mount(workspace, true, "anon=scratch,relatime");
    put_file("mnt/file", "contents");
    put_file("mnt/scratch/file", "contents");
    assert_true(access_after_reading("mnt/file") > 1000);
    assert_true(access_after_reading("mnt/scratch/file") > 1000);
    remount(workspace, "noatime");
    assert_true(flags_of(workspace) & ST_NOATIME);
    kill_worker(workspace);
    assert_int_equal(access_after_reading("mnt/file"), 1000);
    assert_int_equal(access_after_reading("mnt/scratch/file"), 1000);
    remount(workspace, "strictatime");
    assert_int_equal(flags_of(workspace) & (ST_NOATIME | ST_RELATIME), 0);
    assert_true(access_after_reading("mnt/file") > 1000);
    assert_true(access_after_reading("mnt/scratch/file") > 1000);
    workspace_unmount(workspace);
    end_helper(workspace);
}

static void nothing_changes_by_halves(void **state)
{
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    workspace_mount(workspace, false, "size=4m,huge=never,noatime");
    unsigned long flags = flags_of(workspace);
    int fd = open_file("mnt/file", O_RDWR | O_CREAT);
    assert_ok(fallocate(fd, 0, 0, 2 * MIB));
    // Less than is in use
    assert_not_remounted(workspace, "size=1m,nr_inodes=2k", "size=1048576", "in use");
    if (workspace->root) {
        assert_not_remounted(workspace, "noexec,size=1m", "size=1048576", "in use");
        // It is known before the flags change, which others would see.
        struct program_result result =
            run_program("mount", "-f", "-o", "remount,ro,size=1m", workspace->mnt, NULL);
        assert_refused(&result, 32, "size=1048576", "in use", NULL);
        assert_not_remounted(workspace, "ro,size=8m", "busy", "open for writing");
    } else {
        assert_not_remounted(workspace, "noexec,size=8m", "only root", workspace->mnt);
    }
    assert_not_remounted(workspace, "size=8m,watchdog=77", "'watchdog=77'", "cannot be changed");
    assert_int_equal(flags_of(workspace), flags);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 4 * MIB);
    assert_int_equal(read_status_number(workspace, "ram_area.inodes"), 1024);
    assert_ok(close(fd));
    workspace_unmount(workspace);
    end_helper(workspace);
}

static void what_cannot_change_is_named(void **state)
{
    static const char *const fixed[] = {
        "noswap",      "writeback",      "io_uring", "nokeeper",
        "watchdog=31", "descriptors=99", "uid=4242", "user_descriptors=7",
        "mode=0700",   "anon=other",     "dirsync",
    };
    struct workspace *workspace = workspace_of(state);

    begin_helper(workspace);
    workspace_mount(workspace, false, "size=4m,mode=0755");
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        struct program_result result = try_remount(workspace, fixed[i]);
        assert_refused(&result, workspace->root ? 32 : 1, fixed[i], NULL);
    }
    if (workspace->root && kernel_is_at_least(6, 14)) // It keeps listings in RAM without asking.
        assert_not_remounted(workspace, "timeout=5", "timeout=5");
    workspace_unmount(workspace);
    // There is nothing to change where nothing is mounted.
    struct program_result result =
        run_program(shmapfs(), workspace->mnt, "-o", "remount,size=1m", NULL);
    assert_refused(&result, 1, "no shmapfs", "'remount'", NULL);
    end_helper(workspace);
}

static void what_is_in_force_is_no_change(void **state)
{
    static const char options[] =
        "size=4m,nr_inodes=2k,huge=never,mode=0755,noatime,watchdog=20,descriptors=100,"
        "user_descriptors=40%,timeout=100,anon=scratch,keeper,dirsync,nofail,x-a=b";
    struct workspace *workspace = workspace_of(state);
    char line[PATH_MAX * 3];

    begin_helper(workspace);
    workspace_mount(workspace, true, options);
    unsigned long flags = flags_of(workspace);
    remount(workspace, options);
    // A word that changes nothing takes no room in the call that changes the rest.
    snprintf(line, sizeof(line), "%s,nr_inodes=%0170d", options, 2048);
    remount(workspace, line);
    if (workspace->root) {
        // As fstab has it
        snprintf(line, sizeof(line), "%s %s fuse.shmapfs %s%s 0 0\n", workspace->store,
                 workspace->mnt, options, workspace->nopassthrough ? ",nopassthrough" : "");
        put_file("fstab", line);
        struct program_result result = run_program(
            "mount", "-T", "fstab", "-o", "remount,size=6m,nosuid,nodev", workspace->mnt, NULL);
        assert_done(&result);
        assert_int_equal(read_status_number(workspace, "ram_area.size"), 6 * MIB);
        // As a reload of systemd's unit
        result = run_program("mount", workspace->store, workspace->mnt, "-t", "fuse.shmapfs", "-o",
                             "remount,size=7m,nosuid,nodev,noatime,anon=scratch,nofail", NULL);
        assert_done(&result);
        assert_int_equal(read_status_number(workspace, "ram_area.size"), 7 * MIB);
        result = run_program("mount", "-f", "-o", "remount,size=9m,ro", workspace->mnt, NULL);
        assert_done(&result);
        assert_int_equal(read_status_number(workspace, "ram_area.size"), 7 * MIB);
        result = run_program("mount", "-f", "-o", "remount,watchdog=9", workspace->mnt, NULL);
        assert_refused(&result, 32, "watchdog=9", NULL);
    }
    assert_int_equal(flags_of(workspace), flags);
    workspace_unmount(workspace);
    end_helper(workspace);
}

/* A line of fstab can be remounted, whatever became of the directories meanwhile. */
static void mode_and_owner_as_it_began(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char own[64];

    snprintf(own, sizeof(own), "mode=0750,uid=%u,gid=%u", (unsigned)getuid(), (unsigned)getgid());
    begin_helper(workspace);
    workspace_mount(workspace, false, "size=4m,mode=0750");
    remount(workspace, own);
    assert_ok(chmod("mnt", 0700));
    remount(workspace, own);
    remount(workspace, "mode=0700");
    assert_not_remounted(workspace, "mode=0755", "mode=0755", "chmod");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "mode=0750,anon=scratch");
    assert_ok(chmod("mnt/scratch", 0700));
    remount(workspace, own);
    assert_not_remounted(workspace, "mode=0700", "mode=0700", "begins");
    assert_not_remounted(workspace, "uid=4242", "uid=4242", "begins");
    workspace_unmount(workspace);
    end_helper(workspace);
}

static void noswap_stays_in_force(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // tmpfs does not let users.
    struct program_result result = workspace_try_mount(workspace, false, "noswap,size=4m");
    if (result.status != 0)
        harness_skip_case("this kernel has no noswap");
    begin_helper(workspace);
    remount(workspace, "size=8m");
    remount(workspace, "noswap,size=9m");
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 9 * MIB);
    workspace_unmount(workspace);
    end_helper(workspace);
}

/* A client reads what it likes of the root. */
static void nonsense_and_strangers_change_nothing(void **state)
{
    static const char *const nonsense[] = {
        "!size=lots", "!size=0",   "!bogus=1",     "?bogus",       "!timeout=-1",     "!timeout",
        "!huge=x",    "!mpol=xyz", "!nr_inodes=%", "!source=/etc", "!size=8m\nbogus",
    };
    struct workspace *workspace = workspace_of(state);
    char name[256], value[8];

    workspace_mount(workspace, false, "size=4m");
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
        snprintf(name, sizeof(name), "user.shmapfs.options%s", nonsense[i]);
        if (getxattr(workspace->mnt, name, value, sizeof(value)) >= 0)
            fail_msg("%s was taken", nonsense[i]);
    }
    assert_errno(getxattr(workspace->mnt, "user.shmapfs.options", value, sizeof(value)), ENODATA);
    assert_errno(setxattr(workspace->mnt, "user.shmapfs.options", "size=8m", 7, 0), EPERM);
    assert_ok(mkdir("mnt/directory", 0755));
    assert_errno(getxattr("mnt/directory", "user.shmapfs.options!size=8m", value, sizeof(value)),
                 ENODATA);
    if (workspace->root) {
        struct program_result result =
            run_program("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", shmapfs(),
                        workspace->mnt, "-o", "remount,size=8m", NULL);
        assert_refused(&result, 1, "size=", "only root", NULL);
    }
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 4 * MIB);
    workspace_unmount(workspace);
}

static void what_a_command_line_refuses_is_no_value(void **state)
{
    static const char *const values[] = {
        "user_descriptors=50abc", "user_descriptors", "descriptors=15", "watchdog=1",
        "timeout=1000000001",     "size=1",           "inode64=1",      "noatime=1",
    };
    struct workspace *workspace = workspace_of(state);
    char name[256], value[8];

    workspace_mount(workspace, false, "");
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        snprintf(name, sizeof(name), "user.shmapfs.options?%s", values[i]);
        assert_errno(getxattr(workspace->mnt, name, value, sizeof(value)), EINVAL);
    }
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(limits_change),
    cmocka_unit_test(changes_outlive_workers_and_binaries),
    cmocka_unit_test(flags_change),
    cmocka_unit_test(read_only_store_becomes_writable),
    cmocka_unit_test(access_times_change),
    cmocka_unit_test(nothing_changes_by_halves),
    cmocka_unit_test(what_cannot_change_is_named),
    cmocka_unit_test(what_is_in_force_is_no_change),
    cmocka_unit_test(mode_and_owner_as_it_began),
    cmocka_unit_test(noswap_stays_in_force),
    cmocka_unit_test(nonsense_and_strangers_change_nothing),
    cmocka_unit_test(what_a_command_line_refuses_is_no_value),
};

WORKSPACE_MAIN("live_options", cases)
