// SPDX-License-Identifier: BSD-2-Clause
/* A request is carried out exactly once, at whichever point of its life the worker dies. */
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int rename_with_whiteout(void *argument)
{
    (void)argument;
    return renameat2(AT_FDCWD, "mnt/from", AT_FDCWD, "mnt/to", RENAME_WHITEOUT);
}

/* A second attempt would put the whiteout where the contents are. That shows in the store: through
 * the mount, the kernel goes by what it believes to have renamed. */
static void whiteout_is_left_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // A whiteout is a device.
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        put_file("mnt/from", "contents");
        call_and_die(keeper, i, rename_with_whiteout, NULL);
        assert_content("mnt/to", "contents");
        assert_true(S_ISREG(lstat_of("store/to").st_mode));
        assert_content("store/to", "contents");
        struct stat left = lstat_of("store/from");
        assert_true(S_ISCHR(left.st_mode));
        assert_int_equal(left.st_rdev, makedev(0, 0));
        assert_true(S_ISCHR(lstat_of("mnt/from").st_mode));
        assert_ok(unlink("mnt/from"));
        assert_int_equal(read_status_number(workspace, "restarts"), i + 1);
    }
    keeper_stop(workspace, keeper);
}

static int create_attribute(void *argument)
{
    return setxattr(argument, "user.word", "value", 5, XATTR_CREATE);
}

static int replace_attribute(void *argument)
{
    return setxattr(argument, "user.word", "other", 5, XATTR_REPLACE);
}

static int remove_attribute(void *argument)
{
    return removexattr(argument, "user.word");
}

static void attributes_are_set_and_removed_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/file", value[8];

    // In RAM there are such attributes since Linux 6.6.
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
    put_file(path, "");
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, create_attribute, path);
        assert_errno(create_attribute(path), EEXIST);
        call_and_die(keeper, i, replace_attribute, path);
        assert_int_equal(getxattr(path, "user.word", value, sizeof(value)), 5);
        assert_memory_equal(value, "other", 5);
        call_and_die(keeper, i, remove_attribute, path);
        assert_errno(remove_attribute(path), ENODATA);
        assert_errno(replace_attribute(path), ENODATA);
    }
    keeper_stop(workspace, keeper);
}

static int change_flags(const char *path, int set, int clear)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int flags = 0;
    int result = ioctl(fd, FS_IOC_GETFLAGS, &flags);

    flags = (flags | set) & ~clear;
    if (result == 0)
        result = ioctl(fd, FS_IOC_SETFLAGS, &flags);
    close(fd);
    return result;
}

/* Root makes the file immutable: what refuses to be touched must not stop the next worker. */
static int set_flags(void *argument)
{
    return change_flags(argument, geteuid() == 0 ? FS_IMMUTABLE_FL : FS_NODUMP_FL, 0);
}

static int clear_flags(void *argument)
{
    return change_flags(argument, 0, FS_IMMUTABLE_FL | FS_NODUMP_FL);
}

static void flags_are_set_and_cleared(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/file";

    pid_t keeper = keeper_start_with_crashpoints(workspace, false);
    put_file(path, "contents");
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, set_flags, path);
        if (workspace->root) {
            assert_errno(open(path, O_RDWR | O_CLOEXEC), EPERM);
            assert_errno(unlink(path), EPERM);
        }
        call_and_die(keeper, i, clear_flags, path);
        assert_ok(close(open_file(path, O_RDWR)));
    }
    assert_ok(unlink(path));
    keeper_stop(workspace, keeper);
}

static int make_anon(void *argument)
{
    return setxattr(argument, "user.shmapfs.class", "anon", 4, 0);
}

static int make_plain(void *argument)
{
    return removexattr(argument, "user.shmapfs.class");
}

static void classes_are_set_and_unset_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/directory";

    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
    assert_ok(mkdir(path, 0755));
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, make_anon, path);
        assert_class(path, "anon");
        put_file("mnt/directory/file", "contents");
        assert_class("mnt/directory/file", "anon");
        assert_false(exists("store/directory/file"));
        assert_content("mnt/directory/file", "contents");
        assert_ok(unlink("mnt/directory/file"));
        call_and_die(keeper, i, make_plain, path);
        assert_class(path, "persist");
        put_file("mnt/directory/file", "contents");
        assert_content("store/directory/file", "contents");
        assert_ok(unlink("mnt/directory/file"));
    }
    keeper_stop(workspace, keeper);
}

static int remove_directory(void *argument)
{
    return rmdir(argument);
}

static void names_are_changed_once(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char file[] = "mnt/file", directory[] = "mnt/directory";

    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        put_file(file, "");
        call_and_die(keeper, i, remove_file, file);
        assert_false(exists("store/file"));
        put_file("mnt/other", "replaced");
        put_file(file, "contents");
        call_and_die(keeper, i, replace_file, file);
        assert_content(file, "replaced");
        assert_content("store/file", "replaced");
        assert_false(exists("store/other"));
        call_and_die(keeper, i, make_directory_at, directory);
        assert_true(exists("store/directory"));
        call_and_die(keeper, i, remove_directory, directory);
        assert_false(exists("store/directory"));
    }
    keeper_stop(workspace, keeper);
}

enum { ZEROED_FROM = 2, ZEROED = 10000, WAS_LONG = 3 * ZEROED };

static int zero_a_range(void *argument)
{
    int fd = open(argument, O_RDWR | O_CLOEXEC);
    int result = fallocate(fd, FALLOC_FL_ZERO_RANGE, ZEROED_FROM, ZEROED);

    close(fd);
    return result;
}

/* In RAM it takes several steps. */
static void a_range_is_zeroed_whole(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/file", bytes[WAS_LONG];

    pid_t keeper = keeper_start_with_crashpoints(workspace, false);
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        int fd = new_file(path, 0);
        memset(bytes, 'd', sizeof(bytes));
        assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
        call_and_die(keeper, i, zero_a_range, path);
        assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
        assert_true(all_bytes(bytes, ZEROED_FROM, 'd'));
        assert_true(all_bytes(bytes + ZEROED_FROM, ZEROED, 0));
        assert_true(
            all_bytes(bytes + ZEROED_FROM + ZEROED, WAS_LONG - ZEROED_FROM - ZEROED, 'd'));
        assert_true(fstat_of(fd).st_blocks >= WAS_LONG / 512);
        assert_ok(close(fd));
        assert_ok(unlink(path));
    }
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(whiteout_is_left_once),
    cmocka_unit_test(attributes_are_set_and_removed_once),
    cmocka_unit_test(flags_are_set_and_cleared),
    cmocka_unit_test(classes_are_set_and_unset_once),
    cmocka_unit_test(names_are_changed_once),
    cmocka_unit_test(a_range_is_zeroed_whole),
};

WORKSPACE_MAIN("recovery_replay", cases)
