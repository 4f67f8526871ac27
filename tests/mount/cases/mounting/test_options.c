// SPDX-License-Identifier: BSD-2-Clause
// The command lines of shmapfs, as a user, a script and mount(8) write them.
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2 };

static void help_and_version(void **state)
{
    static const char *const words[] = { "STORE", "MOUNTPOINT", "size=",  "anon=",    "nr_inodes=",
                                         "huge=", "mode=",      "noswap", "--version" };

    (void)state;
    struct program_result result = run_program(shmapfs(), "--help", NULL);
    assert_done(&result);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(result.out, words[i]) == NULL)
            fail_msg("the help does not tell of %s", words[i]);
    result = run_program(shmapfs(), "-h", NULL);
    assert_done(&result);
    result = run_program(shmapfs(), "--version", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "shmapfs"));
    assert_non_null(strpbrk(result.out, "0123456789"));
    result = run_program(shmapfs(), "-V", NULL);
    assert_done(&result);
}

static void help_and_version_mount_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *tree = workspace_tree();

    struct program_result result = run_program(shmapfs(), "--version", workspace->mnt, NULL);
    assert_done(&result);
    result = run_program(shmapfs(), workspace->store, workspace->mnt, "--help", NULL);
    assert_done(&result);
    assert_nothing_left(workspace, tree);
    free(tree);
}

static void wrong_command_lines(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *tree = workspace_tree();

    struct program_result result = run_program(shmapfs(), NULL);
    assert_refused(&result, USAGE, "MOUNTPOINT", "missing", NULL);
    result = run_program(shmapfs(), "-f", NULL);
    assert_refused(&result, USAGE, "MOUNTPOINT", "missing", NULL);
    result = run_program(shmapfs(), workspace->store, workspace->mnt, "third", NULL);
    assert_refused(&result, USAGE, "too many", NULL);
    result = run_program(shmapfs(), workspace->mnt, "--bogus", NULL);
    assert_refused(&result, USAGE, "bogus", "unknown", NULL);
    result = run_program(shmapfs(), workspace->mnt, "-x", NULL);
    assert_refused(&result, USAGE, "-x", "unknown", NULL);
    result = run_program(shmapfs(), workspace->mnt, "-fx", NULL);
    assert_refused(&result, USAGE, "x", "unknown", NULL);
    result = run_program(shmapfs(), workspace->mnt, "-o", NULL);
    assert_refused(&result, USAGE, "-o", "value", NULL);
    result = run_program(shmapfs(), "", NULL);
    assert_refused(&result, USAGE, "empty", NULL);
    result = run_program(shmapfs(), "", workspace->mnt, NULL);
    assert_refused(&result, USAGE, "empty", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

static void wrong_options(void **state)
{
    static const struct {
        const char *options, *name, *word;
    } wrong[] = {
        { "bogus", "bogus", "unknown" },
        { "bogus=1", "bogus", "unknown" },
        { "siz=1m", "siz", "size" },
        { "size=1m,bogus,mode=755", "bogus", "unknown" },
        { "size", "size", "needs a value" },
        { "size=", "size", "%" },
        { "size=lots", "size", "%" },
        { "size=-1m", "size", "k, m, g" },
        { "size=1x", "size", "k, m, g" },
        { "size=1mb", "size", "k, m, g" },
        { "size=1.5g", "size", "k, m, g" },
        { "size=0x10000", "size", "k, m, g" },
        { "size= 1m", "size", "k, m, g" },
        { "size=0", "size", "range" },
        { "size=1", "size", "range" },
        { "size=0%", "size", "range" },
        { "size=%", "size", "%" },
        { "size=9223372036854775808", "size", "range" },
        { "size=99999999999999999999999", "size", "range" },
        { "size=8388608t", "size", "range" },
        { "size=18446744073709551615k", "size", "range" },
        { "size=99999999999999999999%", "size", "range" },
        { "nr_inodes=", "nr_inodes", "number" },
        { "nr_inodes=few", "nr_inodes", "number" },
        { "nr_inodes=0", "nr_inodes", "range" },
        { "nr_inodes=99999999999999999999", "nr_inodes", "range" },
        { "nr_inodes=10%", "nr_inodes", "number" },
        { "huge=maybe", "huge", "within_size" },
        { "huge", "huge", "within_size" },
        { "mode=rwx", "mode", "octal" },
        { "mode=0888", "mode", "octal" },
        { "mode=77777", "mode", "range" },
        { "mode=-1", "mode", "octal" },
        { "mode=", "mode", "octal" },
        { "noswap=1", "noswap", "no value" },
        { "nopassthrough=yes", "nopassthrough", "no value" },
        { "timeout=soon", "timeout", "seconds" },
        { "timeout=-1", "timeout", "seconds" },
        { "descriptors=0", "descriptors", "number" },
        { "anon=", "anon", "names" },
        { "anon", "anon", "names" },
    };
    struct workspace *workspace = workspace_of(state);
    char *tree = workspace_tree();

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct program_result result =
            run_program(shmapfs(), workspace->store, workspace->mnt, "-o", wrong[i].options, NULL);
        assert_refused(&result, USAGE, wrong[i].name, wrong[i].word, NULL);
    }
    struct program_result result = run_program(shmapfs(), workspace->mnt, "-o", "anon=a", NULL);
    assert_refused(&result, USAGE, "anon", "STORE", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

/* The mount would do without, and without a keeper, too. */
static void io_uring_is_had_or_refused(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char offered = 'N';
    int fd = open("/sys/module/fuse/parameters/enable_uring", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        assert_int_equal(read(fd, &offered, 1), 1);
        assert_ok(close(fd));
    }
    char *tree = workspace_tree();
    struct program_result result = workspace_try_mount(workspace, true, "io_uring");
    if (offered == 'Y') {
        assert_done(&result);
        result = run_program(shmapctl(), "status", workspace->mnt, NULL);
        assert_non_null(strstr(result.out, "io_uring"));
        workspace_unmount(workspace);
    } else {
        assert_refused(&result, FAILED, "'io_uring'", "enable_uring", NULL);
        assert_nothing_left(workspace, tree);
    }
    free(tree);
}

static void anonymous_names_that_cannot_be(void **state)
{
    static const char *const names[] = { "/absolute", "..",         "../outside", "a/../../outside",
                                         ".",         "file",       "file/below", "full",
                                         "link",      "a::b/../..", "kept" };
    struct workspace *workspace = workspace_of(state);
    char name[300], options[512];

    assert_ok(mkdir("outside", 0755));
    assert_ok(chdir("store"));
    put_file("file", "");
    assert_ok(mkdir("full", 0755));
    put_file("full/file", "");
    assert_ok(symlink("../outside", "link"));
    assert_ok(mkdir("kept", 0755));
    assert_int_equal(
        run_program("setfattr", "-n", "user.shmapfs.class", "-v", "persist", "kept", NULL).status,
        0);
    assert_ok(chdir(".."));
    char *tree = workspace_tree();
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(options, sizeof(options), "anon=%s", names[i]);
        struct program_result result =
            run_program(shmapfs(), workspace->store, workspace->mnt, "-o", options, NULL);
        if (result.status == 0)
            fail_msg("%s was accepted", options);
        assert_refused(&result, result.status, "anon", NULL);
        assert_nothing_left(workspace, tree);
    }
    memset(name, 'n', 256);
    name[256] = '\0';
    snprintf(options, sizeof(options), "anon=%s", name);
    struct program_result result =
        run_program(shmapfs(), workspace->store, workspace->mnt, "-o", options, NULL);
    assert_refused(&result, FAILED, "anon", "too long", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

static void accepted_options(void **state)
{
    static const char *const accepted[] = {
        "",
        "defaults,rw,auto,noauto,nofail,_netdev,user,x-systemd.automount,x-foo=bar,comment=words",
        "size=1m,nr_inodes=1k,huge=never,mode=0755,timeout=10,descriptors=100",
        "size=10%",
        "size=64K,huge=advise",
        "size=1G,size=2m",
        "noatime,nodev,nosuid,noexec",
        "noexec,exec,strictatime",
        ",,size=1m,,",
    };
    struct workspace *workspace = workspace_of(state);

    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        workspace_mount(workspace, i % 2, accepted[i]);
        workspace_unmount(workspace);
    }
}

static void options_stand_anywhere_and_are_repeated(void **state)
{
    struct workspace *workspace = workspace_of(state);

    struct program_result result =
        run_program(shmapfs(), "-o", "size=2m", workspace->mnt, "-osize=4m", NULL);
    assert_done(&result);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 4 << 20);
    workspace_unmount(workspace);
    result = run_program(shmapfs(), "-o", "size=2m", "--", workspace->store, workspace->mnt, NULL);
    assert_done(&result);
    assert_true(read_status_number(workspace, "store_area.size") > 0);
    workspace_unmount(workspace);
}

static void relative_paths(void **state)
{
    struct workspace *workspace = workspace_of(state);

    struct program_result result = run_program(shmapfs(), "store", "./mnt/", NULL);
    assert_done(&result);
    put_file("mnt/file", "contents");
    assert_content("store/file", "contents");
    workspace_unmount(workspace);
}

static void access_flags_are_in_force(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct statvfs vfs;

    workspace_mount(workspace, false, "noexec,nosuid,nodev");
    assert_ok(statvfs(workspace->mnt, &vfs));
    assert_int_equal(vfs.f_flag & (ST_NOEXEC | ST_NOSUID | ST_NODEV),
                     ST_NOEXEC | ST_NOSUID | ST_NODEV);
    assert_int_equal(vfs.f_flag & ST_RDONLY, 0);
    workspace_unmount(workspace);
    put_file("store/file", "contents");
    workspace_mount(workspace, true, "ro");
    assert_ok(statvfs(workspace->mnt, &vfs));
    assert_int_equal(vfs.f_flag & ST_RDONLY, ST_RDONLY);
    assert_content("mnt/file", "contents");
    assert_errno(open("mnt/new", O_WRONLY | O_CREAT, 0644), EROFS);
    assert_errno(open("mnt/file", O_WRONLY), EROFS);
    assert_errno(unlink("mnt/file"), EROFS);
    workspace_unmount(workspace);
}

static void read_only_makes_nothing_in_the_store(void **state)
{
    struct workspace *workspace = workspace_of(state);

    put_file("store/file", "contents");
    char *tree = workspace_tree();
    struct program_result result = workspace_try_mount(workspace, true, "ro,anon=newdir");
    if (result.status == 0)
        workspace_unmount(workspace);
    else
        assert_refused(&result, result.status, "anon", NULL);
    assert_nothing_left(workspace, tree);
    free(tree);
}

static void read_only_leaves_access_times_alone(void **state)
{
    struct workspace *workspace = workspace_of(state);
    // The time is so long ago that a read sets it anew, even where the disk is mounted with
    // relatime.
    const struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };

    if (!workspace->root)
        return; // A user who may open a file may not always leave its access time alone.
    put_file("store/file", "contents");
    assert_ok(utimensat(AT_FDCWD, "store/file", times, 0));
    workspace_mount(workspace, true, "ro");
    assert_content("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDONLY);
    char *mapping = map_fd(fd, 8, PROT_READ, MAP_SHARED);
    assert_memory_equal(mapping, "contents", 8);
    unmap(mapping, 8);
    assert_ok(close(fd));
    assert_int_equal(stat_of("store/file").st_atim.tv_sec, 1000);
    workspace_unmount(workspace);
    assert_int_equal(stat_of("store/file").st_atim.tv_sec, 1000);
}

static void mode_of_the_root(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    assert_int_equal(stat_of(workspace->mnt).st_mode, S_IFDIR | 01777);
    workspace_unmount(workspace);
    workspace_mount(workspace, false, "mode=750");
    assert_int_equal(stat_of(workspace->mnt).st_mode, S_IFDIR | 0750);
    workspace_unmount(workspace);
    assert_ok(chmod("store", 0711));
    workspace_mount(workspace, true, "mode=1777");
    assert_int_equal(stat_of(workspace->mnt).st_mode, S_IFDIR | 0711);
    workspace_unmount(workspace);
}

static void named_in_the_mount_table(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    struct program_result result =
        run_program("findmnt", "-n", "-r", "-o", "FSTYPE,SOURCE", workspace->mnt, NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "fuse.shmapfs "));
    assert_non_null(strstr(result.out, workspace->store));
    workspace_unmount(workspace);
}

/* How mount(8) calls what it finds as /sbin/mount.fuse.shmapfs. */
static void as_helper_of_mount(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char helper[] = "./mount.fuse.shmapfs";

    assert_ok(symlink(shmapfs(), "mount.fuse.shmapfs"));
    struct program_result result = run_program(helper, workspace->store, workspace->mnt, "-o",
                                               "rw,nofail,x-foo,size=1m,anon=scratch", NULL);
    assert_done(&result);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 1 << 20);
    workspace_unmount(workspace);
    assert_true(exists("store/scratch"));
    result = run_program(helper, "none", workspace->mnt, "-s", "-n", "-v", "-t", "fuse.shmapfs",
                         "-o", "rw,size=1m", NULL);
    assert_done(&result);
    assert_int_equal(read_status_number(workspace, "ram_area.size"), 1 << 20);
    workspace_unmount(workspace);
    assert_false(workspace_is_mounted(workspace->mnt));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(help_and_version),
    cmocka_unit_test(help_and_version_mount_nothing),
    cmocka_unit_test(wrong_command_lines),
    cmocka_unit_test(wrong_options),
    cmocka_unit_test(io_uring_is_had_or_refused),
    cmocka_unit_test(anonymous_names_that_cannot_be),
    cmocka_unit_test(accepted_options),
    cmocka_unit_test(options_stand_anywhere_and_are_repeated),
    cmocka_unit_test(relative_paths),
    cmocka_unit_test(access_flags_are_in_force),
    cmocka_unit_test(read_only_makes_nothing_in_the_store),
    cmocka_unit_test(read_only_leaves_access_times_alone),
    cmocka_unit_test(mode_of_the_root),
    cmocka_unit_test(named_in_the_mount_table),
    cmocka_unit_test(as_helper_of_mount),
};

WORKSPACE_MAIN("options", cases)
