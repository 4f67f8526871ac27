// SPDX-License-Identifier: BSD-2-Clause
// The part of an anonymous directory that comes back at the next mount, and is kept meanwhile.
#include "tests/mount/cases/classes/skeleton.h"
#include "tests/mount/cases/mounting/store_contents.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

static void set_flag(const char *path, int flag, bool set)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int flags = 0;

    assert_ok(fd);
    assert_ok(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    flags = set ? flags | flag : flags & ~flag;
    assert_ok(ioctl(fd, FS_IOC_SETFLAGS, &flags));
    assert_ok(close(fd));
}

static bool has_flag(const char *path, int flag)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int flags = 0;

    assert_ok(fd);
    assert_ok(ioctl(fd, FS_IOC_GETFLAGS, &flags));
    assert_ok(close(fd));
    return flags & flag;
}

/* A default ACL of u::rwx, g::r-x, o::---, as the kernel takes it. */
static const struct {
    uint32_t version;
    struct {
        uint16_t tag, permissions;
        uint32_t id;
    } entries[3];
} ACL = { 2, { { 0x01, 7, UINT32_MAX }, { 0x04, 5, UINT32_MAX }, { 0x20, 0, UINT32_MAX } } };

/* Directories of all sorts, and a file in each. */
static void make_directories(const struct workspace *workspace)
{
    assert_ok(mkdir("mnt/scratch/a", 0755));
    assert_ok(mkdir("mnt/scratch/a/b", 0700));
    assert_ok(mkdir("mnt/scratch/a/b/c", 0555));
    put_file("mnt/scratch/a/file", "gone");
    put_file("mnt/scratch/a/b/file", "gone");
    if (has_user_attributes("mnt/scratch/a/b")) {
        assert_ok(setxattr("mnt/scratch/a/b", "user.word", "value", 5, 0));
        assert_ok(setxattr("mnt/scratch/a/b", "user.other", "value", 5, 0));
        assert_ok(removexattr("mnt/scratch/a/b", "user.other"));
    }
    assert_ok(setxattr("mnt/scratch/a/b", "system.posix_acl_default", &ACL, sizeof(ACL), 0));
    assert_ok(mkdir("mnt/scratch/a/b/inherits", 0777));
    assert_ok(chmod("mnt/scratch/a", 03775));
    if (workspace->root)
        assert_ok(chown("mnt/scratch/a/b", 1234, 4321));
    assert_ok(mkdir("mnt/scratch/a/removed", 0755));
    assert_ok(rmdir("mnt/scratch/a/removed"));
    assert_ok(mkdir("mnt/scratch/a/before", 0711));
    assert_ok(mkdir("mnt/scratch/a/before/below", 0711));
    assert_ok(rename("mnt/scratch/a/before", "mnt/scratch/after"));
    assert_ok(symlink("a", "mnt/scratch/symlink"));
    set_flag("mnt/scratch/after", workspace->root ? FS_IMMUTABLE_FL : FS_NODUMP_FL, true);
}

static void assert_directories_are_back(const struct workspace *workspace, const char *skeleton)
{
    char value[64];

    assert_skeleton("mnt/scratch", skeleton);
    assert_false(exists("mnt/scratch/a/file"));
    assert_false(exists("mnt/scratch/a/b/file"));
    assert_false(exists("mnt/scratch/symlink"));
    if (has_user_attributes("mnt/scratch/a/b")) {
        assert_int_equal(getxattr("mnt/scratch/a/b", "user.word", value, sizeof(value)), 5);
        assert_errno(getxattr("mnt/scratch/a/b", "user.other", value, sizeof(value)), ENODATA);
    }
    assert_int_equal(
        getxattr("mnt/scratch/a/b/inherits", "system.posix_acl_default", value, sizeof(value)),
        sizeof(ACL));
    assert_memory_equal(value, &ACL, sizeof(ACL));
    assert_true(has_flag("mnt/scratch/after", workspace->root ? FS_IMMUTABLE_FL : FS_NODUMP_FL));
    assert_class("mnt/scratch/a/b/c", "anon");
    put_file("mnt/scratch/a/b/file", "new");
    assert_content("mnt/scratch/a/b/file", "new");
    assert_ok(unlink("mnt/scratch/a/b/file"));
}

static void directories_come_back(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch,skeleton");
    make_directories(workspace);
    char *skeleton = skeleton_of("mnt/scratch");
    assert_mirrored("scratch");
    workspace_unmount(workspace);
    // It is the directory that keeps it, from then on; the name may be given again.
    workspace_mount(workspace, true, "");
    assert_directories_are_back(workspace, skeleton);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "anon=scratch");
    assert_directories_are_back(workspace, skeleton);
    set_flag("mnt/scratch/after", FS_IMMUTABLE_FL | FS_NODUMP_FL, false);
    workspace_unmount(workspace);
    free(skeleton);
}

static void directories_come_back_after_a_crash(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch,skeleton,nokeeper");
    make_directories(workspace);
    char *skeleton = skeleton_of("mnt/scratch");
    assert_ok(kill(daemon_of(workspace), SIGKILL));
    workspace_await_children();
    run_program("fusermount3", "-u", workspace->mnt, NULL);
    workspace_mount(workspace, true, "");
    assert_directories_are_back(workspace, skeleton);
    set_flag("mnt/scratch/after", FS_IMMUTABLE_FL | FS_NODUMP_FL, false);
    workspace_unmount(workspace);
    free(skeleton);
}

/* Writes into a cache as programs do that make their directories once: to a temporary name, and
 * from there to where it belongs. */
static void use_cache(bool is_new)
{
    char path[64];

    for (int shard = 0; shard < 16; shard++) {
        snprintf(path, sizeof(path), "mnt/scratch/ccache/%x", shard);
        assert_true(!is_new || mkdir(path, 0755) == 0);
        snprintf(path, sizeof(path), "mnt/scratch/ccache/%x/entry", shard);
        assert_false(exists(path));
        put_file("mnt/scratch/ccache/tmp/entry", "compiled");
        assert_ok(rename("mnt/scratch/ccache/tmp/entry", path));
        assert_content(path, "compiled");
    }
    put_file("mnt/scratch/browser/Default/Cache/Cache_Data/index.new", "index");
    assert_ok(rename("mnt/scratch/browser/Default/Cache/Cache_Data/index.new",
                     "mnt/scratch/browser/Default/Cache/Cache_Data/index"));
    assert_ok(symlink("host-1", "mnt/scratch/browser/SingletonLock"));
    assert_int_equal(stat_of("mnt/scratch/browser/Default").st_mode & 07777, 0700);
}

static void caches_find_their_directories(void **state)
{
    struct workspace *workspace = workspace_of(state);
    static const char *const directories[] = { "ccache",
                                               "ccache/tmp",
                                               "browser",
                                               "browser/Default",
                                               "browser/Default/Cache",
                                               "browser/Default/Cache/Cache_Data" };
    char path[64];

    workspace_mount(workspace, true, "anon=scratch,skeleton");
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        snprintf(path, sizeof(path), "mnt/scratch/%s", directories[i]);
        assert_ok(mkdir(path, 0700));
    }
    use_cache(true);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "anon=scratch,nokeeper");
    use_cache(false);
    assert_ok(kill(daemon_of(workspace), SIGKILL));
    workspace_await_children();
    run_program("fusermount3", "-u", workspace->mnt, NULL);
    workspace_mount(workspace, true, "anon=scratch");
    use_cache(false);
    workspace_unmount(workspace);
}

static void assert_kept(const char *path, const char *digit)
{
    char value[8] = "";

    assert_int_equal(getxattr(path, "user.shmapfs.skeleton", value, sizeof(value)), 1);
    assert_string_equal(value, digit);
}

/* A read-only mount shows the directories, and changes nothing in the store. */
static void directories_come_back_to_be_read(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch:plain,skeleton");
    assert_ok(mkdir("mnt/scratch/a", 0711));
    assert_ok(removexattr("mnt/plain", "user.shmapfs.skeleton"));
    assert_true(rename("mnt/plain", "mnt/renamed") == 0 && rename("mnt/renamed", "mnt/plain") == 0);
    assert_kept("mnt/plain", "0");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "ro,skeleton");
    assert_int_equal(stat_of("mnt/scratch/a").st_mode & 07777, 0711);
    assert_errno(mkdir("mnt/scratch/b", 0755), EROFS);
    assert_true(exists("mnt/plain"));
    workspace_unmount(workspace);
    assert_errno(getxattr("store/plain", "user.shmapfs.skeleton", NULL, 0), ENODATA);
}

static int switched_by_stranger(void *argument)
{
    coprocess_check(keep_skeleton(argument, true) == -1 && errno == EPERM);
    return 0;
}

static void each_directory_for_itself(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char scratch[] = "mnt/scratch";

    workspace_mount(workspace, true, "anon=scratch:other");
    assert_ok(mkdir("mnt/scratch/a", 0751));
    assert_ok(mkdir("mnt/scratch/a/b", 0711));
    put_file("mnt/scratch/a/file", "");
    assert_kept(scratch, "0");
    assert_false(exists("store/scratch/a"));
    if (workspace->root)
        assert_int_equal(harness_as(1234, 1234, 0, NULL, switched_by_stranger, scratch), 0);
    assert_ok(keep_skeleton(scratch, true));
    assert_ok(keep_skeleton(scratch, true));
    assert_kept(scratch, "1");
    assert_kept("mnt/other", "0");
    assert_mirrored("scratch");
    assert_ok(mkdir("mnt/scratch/a/later", 0700));
    assert_ok(mkdir("mnt/other/a", 0700));
    assert_mirrored("scratch");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_true(exists("mnt/scratch/a/b") && exists("mnt/scratch/a/later"));
    assert_false(exists("mnt/other/a"));

    assert_ok(keep_skeleton(scratch, false));
    assert_true(exists("mnt/scratch/a/b"));
    assert_false(exists("store/scratch/a"));
    assert_kept(scratch, "0");
    assert_ok(mkdir("mnt/scratch/more", 0700));
    assert_ok(keep_skeleton(scratch, true));
    assert_ok(removexattr(scratch, "user.shmapfs.skeleton"));
    assert_kept(scratch, "0");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_false(exists("mnt/scratch/a") || exists("mnt/scratch/more"));
    workspace_unmount(workspace);
}

static void only_where_a_class_begins(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result = workspace_try_mount(workspace, false, "skeleton");

    assert_refused(&result, 2, "skeleton", "STORE", NULL);
    workspace_mount(workspace, true, "anon=scratch");
    assert_ok(mkdir("mnt/plain", 0755));
    assert_ok(mkdir("mnt/scratch/below", 0755));
    put_file("mnt/scratch/file", "");
    static const char *const paths[] = { "mnt", "mnt/plain", "mnt/scratch/below",
                                         "mnt/scratch/file" };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_errno(keep_skeleton(paths[i], true), EINVAL);
        assert_errno(getxattr(paths[i], "user.shmapfs.skeleton", NULL, 0), ENODATA);
        assert_errno(removexattr(paths[i], "user.shmapfs.skeleton"), ENODATA);
    }
    static const char *const words[] = { "", "2", "yes", "1 " };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        assert_errno(
            setxattr("mnt/scratch", "user.shmapfs.skeleton", words[i], strlen(words[i]), 0),
            EINVAL);
    workspace_unmount(workspace);
    workspace_mount(workspace, false, "");
    assert_errno(keep_skeleton("mnt", true), EINVAL);
    workspace_unmount(workspace);
}

static void renames_are_kept(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch:second,skeleton");
    assert_ok(mkdir("mnt/scratch/a", 0700));
    assert_ok(mkdir("mnt/scratch/a/below", 0700));
    assert_ok(mkdir("mnt/scratch/b", 0711));
    put_file("mnt/scratch/file", "contents");
    assert_ok(renameat2(AT_FDCWD, "mnt/scratch/a", AT_FDCWD, "mnt/scratch/b", RENAME_EXCHANGE));
    assert_true(exists("store/scratch/b/below"));
    assert_mirrored("scratch");
    assert_ok(renameat2(AT_FDCWD, "mnt/scratch/file", AT_FDCWD, "mnt/scratch/b", RENAME_EXCHANGE));
    assert_true(exists("store/scratch/file/below"));
    assert_mirrored("scratch");
    assert_ok(rename("mnt/scratch/file", "mnt/scratch/a")); // It replaces one that is empty.
    assert_mirrored("scratch");
    assert_ok(rename("mnt/scratch/b", "mnt/scratch/a/file"));
    assert_ok(mkdir("mnt/scratch/c", 0755));
    // The mirror has no files, and would let it happen.
    assert_ok(rmdir("mnt/scratch/a/below"));
    assert_errno(rename("mnt/scratch/c", "mnt/scratch/a"), ENOTEMPTY);
    assert_errno(rmdir("mnt/scratch/a"), ENOTEMPTY);
    assert_mirrored("scratch");
    assert_ok(rename("mnt/scratch/a", "mnt/second/a"));
    assert_mirrored("scratch");
    assert_mirrored("second");
    assert_true(exists("store/second/a"));
    assert_ok(rename("mnt/scratch/c", "mnt/second/a/c"));
    assert_ok(rename("mnt/second", "mnt/third"));
    assert_true(exists("store/third/a/c"));
    assert_ok(mkdir("mnt/third/a/c/d", 0755));
    assert_mirrored("third");
    workspace_unmount(workspace);
}

/* As between classes: who moves a directory in or out has it copied. */
static void no_directory_is_renamed_in_or_out(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch:plain");
    assert_ok(keep_skeleton("mnt/scratch", true));
    assert_ok(mkdir("mnt/scratch/a", 0755));
    assert_ok(mkdir("mnt/plain/b", 0755));
    put_file("mnt/scratch/file", "contents");
    assert_errno(rename("mnt/scratch/a", "mnt/plain/a"), EXDEV);
    assert_errno(rename("mnt/plain/b", "mnt/scratch/b"), EXDEV);
    assert_errno(renameat2(AT_FDCWD, "mnt/scratch/file", AT_FDCWD, "mnt/plain/b", RENAME_EXCHANGE),
                 EXDEV);
    assert_ok(rename("mnt/scratch/file", "mnt/plain/file"));
    assert_ok(link("mnt/plain/file", "mnt/scratch/linked"));
    struct program_result result = run_program("mv", "mnt/plain/b", "mnt/scratch/b", NULL);
    assert_done(&result);
    assert_mirrored("scratch");
    assert_true(exists("store/scratch/a") && exists("store/scratch/b"));
    workspace_unmount(workspace);
}

static void skeleton_goes_with_its_directory(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch,skeleton");
    assert_ok(mkdir("mnt/scratch/a", 0755));
    assert_errno(rmdir("mnt/scratch"), ENOTEMPTY);
    assert_errno(unset_class("mnt/scratch"), ENOTEMPTY);
    assert_ok(rmdir("mnt/scratch/a"));
    assert_ok(unset_class("mnt/scratch"));
    assert_errno(getxattr("store/scratch", "user.shmapfs.skeleton", NULL, 0), ENODATA);
    assert_ok(set_class("mnt/scratch", "anon"));
    assert_ok(mkdir("mnt/scratch/a", 0755));
    assert_mirrored("scratch");
    assert_ok(rmdir("mnt/scratch/a"));
    assert_ok(rmdir("mnt/scratch"));
    assert_false(exists("store/scratch"));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(directories_come_back),
    cmocka_unit_test(directories_come_back_after_a_crash),
    cmocka_unit_test(caches_find_their_directories),
    cmocka_unit_test(directories_come_back_to_be_read),
    cmocka_unit_test(each_directory_for_itself),
    cmocka_unit_test(only_where_a_class_begins),
    cmocka_unit_test(renames_are_kept),
    cmocka_unit_test(no_directory_is_renamed_in_or_out),
    cmocka_unit_test(skeleton_goes_with_its_directory),
};

WORKSPACE_MAIN("skeleton", cases)
