// SPDX-License-Identifier: BSD-2-Clause
/* Limits of scratch directories, by project quotas of the store. For root, on a kernel that has
 * these for ext4. */
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FAILED = 1, DISK_MIB = 48, MIB = 1 << 20 };

/* How often a new limit passes the point «in-area». */
enum { POINTS_OF_LIMIT = 5 };

static void make_disk(const struct workspace *workspace)
{
    disk_make(workspace, DISK_MIB, "-Oquota,project", "prjquota");
}

static struct statvfs space_of(const char *path)
{
    struct statvfs vfs;

    assert_ok(statvfs(path, &vfs));
    return vfs;
}

static uint64_t size_limit(const char *path)
{
    struct statvfs vfs = space_of(path);

    return (uint64_t)vfs.f_blocks * vfs.f_frsize;
}

static uint64_t used(const char *path)
{
    struct statvfs vfs = space_of(path);

    return (uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize;
}

static unsigned project_of(const char *path)
{
    struct fsxattr attributes;
    int fd = open_file(path, O_RDONLY);

    assert_ok(ioctl(fd, FS_IOC_FSGETXATTR, &attributes));
    assert_ok(close(fd));
    return attributes.fsx_projid;
}

/* Writes until the size is reached. Returns what was written; errno says why it was not all. */
static size_t fill(const char *path, size_t size)
{
    static const char data[MIB / 4];
    int fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
    size_t done = 0;
    ssize_t written;

    while (done < size && (written = write(fd, data, sizeof(data))) > 0)
        done += (size_t)written;
    int error = errno;
    close(fd);
    errno = error;
    return done;
}

static void run_shmapctl(const char *const arguments[])
{
    struct program_result result = run_program(shmapctl(), arguments[0], arguments[1], arguments[2],
                                               arguments[3], arguments[4], NULL);
    assert_done(&result);
}

static void make_limited(const char *path, const char *size)
{
    assert_ok(mkdir(path, 0755));
    run_shmapctl((const char *[]){ "class", "--size", size, path, "scratch" });
}

static void a_limit_holds_and_is_kept(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;
    char words[64] = "";

    make_disk(workspace);
    workspace_mount(workspace, true, "");
    make_limited("mnt/limited", "4m");
    assert_class("mnt/limited", "scratch");
    assert_int_equal(size_limit("mnt/limited"), 4 * MIB);
    assert_in_range(fill("mnt/limited/file", 8 * MIB), 3 * MIB, 4 * MIB);
    assert_int_equal(errno, EDQUOT);
    result = run_program(shmapctl(), "resize", "mnt/limited", "1m", NULL);
    assert_refused(&result, FAILED, "mnt/limited", "in use", NULL);
    assert_int_equal(size_limit("mnt/limited"), 4 * MIB);
    run_shmapctl((const char *[]){ "resize", "mnt/limited", "16m", NULL, NULL });
    assert_int_equal(fill("mnt/limited/file", 8 * MIB), 8 * MIB);
    assert_true(getxattr("mnt/limited", "user.shmapfs.area", words, sizeof(words) - 1) > 0);
    assert_string_equal(words, "size=16m");
    result = run_program(shmapctl(), "ls", "mnt", NULL);
    assert_int_equal(result.status, 0);
    assert_non_null(strstr(result.out, "\nlimit"));
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_int_equal(size_limit("mnt/limited"), 16 * MIB);
    assert_in_range(fill("mnt/limited/file", 32 * MIB), 14 * MIB, 16 * MIB);
    assert_ok(unlink("mnt/limited/file"));
    assert_ok(set_class("mnt/limited", "persist"));
    assert_true(size_limit("mnt/limited") > 16 * MIB);
    assert_ok(set_class("mnt/limited", "scratch"));
    assert_true(size_limit("mnt/limited") > 16 * MIB);
    workspace_unmount(workspace);
    // Nothing counts for an id any more, and so none is taken.
    assert_ok(rmdir("store/.shmapfs/projects"));
    disk_remove(workspace);
}

/* A file counts for the directory that it is in. */
static void files_cross(void **state)
{
    struct workspace *workspace = workspace_of(state);

    make_disk(workspace);
    workspace_mount(workspace, true, "");
    make_limited("mnt/limited", "4m");
    assert_int_equal(fill("mnt/limited/file", 2 * MIB), 2 * MIB);
    assert_true(used("mnt/limited") >= 2 * MIB);
    assert_ok(rename("mnt/limited/file", "mnt/file"));
    assert_int_equal(project_of("store/file"), 0);
    assert_true(used("mnt/limited") < MIB);
    assert_ok(rename("mnt/file", "mnt/limited/file"));
    assert_true(used("mnt/limited") >= 2 * MIB);
    // Nothing changes where it does not fit, or the rename itself fails.
    assert_int_equal(fill("mnt/large", 6 * MIB), 6 * MIB);
    assert_errno(rename("mnt/large", "mnt/limited/large"), EDQUOT);
    assert_int_equal(project_of("store/large"), 0);
    assert_errno(renameat2(AT_FDCWD, "mnt/limited/file", AT_FDCWD, "mnt/large", RENAME_NOREPLACE),
                 EEXIST);
    assert_ok(mkdir("mnt/directory", 0755));
    assert_errno(rename("mnt/limited/file", "mnt/directory"), EISDIR);
    assert_true(used("mnt/limited") >= 2 * MIB);
    assert_ok(symlink("file", "mnt/limited/link"));
    assert_errno(rename("mnt/limited/link", "mnt/link"), EXDEV);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static void nothing_leaves_one_limit_for_another(void **state)
{
    struct workspace *workspace = workspace_of(state);

    make_disk(workspace);
    workspace_mount(workspace, true, "");
    make_limited("mnt/limited", "4m");
    make_limited("mnt/other", "8m");
    assert_ok(mkdir("mnt/free", 0755));
    assert_ok(set_class("mnt/free", "scratch"));
    put_file("mnt/limited/file", "contents");
    put_file("mnt/free/file", "contents");
    assert_ok(mkdir("mnt/limited/directory", 0755));
    assert_errno(rename("mnt/limited/file", "mnt/other/file"), EXDEV);
    assert_errno(rename("mnt/limited/file", "mnt/free/moved"), EXDEV);
    assert_errno(rename("mnt/limited/directory", "mnt/free/directory"), EXDEV);
    assert_errno(rename("mnt/free/file", "mnt/limited/moved"), EXDEV);
    assert_errno(link("mnt/limited/file", "mnt/free/link"), EXDEV);
    assert_errno(link("mnt/free/file", "mnt/limited/link"), EXDEV);
    assert_ok(rename("mnt/limited/file", "mnt/limited/directory/file"));
    assert_ok(link("mnt/limited/directory/file", "mnt/limited/link"));
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static void the_option_limits(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    make_disk(workspace);
    workspace_mount(workspace, true, "scratch=limited:size=4m:nr_inodes=100:other");
    assert_int_equal(size_limit("mnt/limited"), 4 * MIB);
    assert_int_equal(space_of("mnt/limited").f_files, 100);
    assert_true(size_limit("mnt/other") > 16 * MIB);
    result = run_program(shmapfs(), "store", "mnt", "-o",
                         "remount,scratch=limited:size=8m:nr_inodes=100:other", NULL);
    assert_done(&result);
    assert_int_equal(size_limit("mnt/limited"), 8 * MIB);
    // The name keeps its limit.
    assert_ok(rmdir("mnt/limited"));
    assert_ok(mkdir("mnt/limited", 0755));
    assert_int_equal(size_limit("mnt/limited"), 4 * MIB);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static int limit_class(void *value)
{
    return set_class("mnt/limited", value);
}

static int move_out(void *argument)
{
    (void)argument;
    return rename("mnt/limited/file", "mnt/file");
}

static int move_in(void *argument)
{
    (void)argument;
    return rename("mnt/file", "mnt/limited/file");
}

static void a_death_leaves_nothing_half_done(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char limited[] = "scratch,size=4m", larger[] = "scratch,size=8m";
    pid_t keeper;

    make_disk(workspace);
    keeper = keeper_start_with_crashpoints(workspace, true);
    for (unsigned pass = 0; pass < POINTS_OF_LIMIT; pass++) {
        assert_ok(mkdir("mnt/limited", 0755));
        call_and_die_at(keeper, "in-area", pass, limit_class, limited);
        assert_int_equal(size_limit("mnt/limited"), 4 * MIB);
        call_and_die_at(keeper, "in-area", 0, limit_class, larger);
        assert_int_equal(size_limit("mnt/limited"), 8 * MIB);
        assert_ok(rmdir("mnt/limited"));
    }
    assert_ok(mkdir("mnt/limited", 0755));
    assert_ok(limit_class(limited));
    assert_int_equal(fill("mnt/file", 2 * MIB), 2 * MIB);
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, move_in, NULL);
        assert_true(used("mnt/limited") >= 2 * MIB);
        call_and_die(keeper, i, move_out, NULL);
        assert_int_equal(project_of("store/file"), 0);
        assert_true(used("mnt/limited") < MIB);
    }
    keeper_stop(workspace, keeper);
    disk_remove(workspace);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(a_limit_holds_and_is_kept),
        cmocka_unit_test(files_cross),
        cmocka_unit_test(nothing_leaves_one_limit_for_another),
        cmocka_unit_test(the_option_limits),
        cmocka_unit_test(a_death_leaves_nothing_half_done),
    };

    return workspace_main(argc, argv, "scratch_limit", cases, sizeof(cases) / sizeof(cases[0]));
}
