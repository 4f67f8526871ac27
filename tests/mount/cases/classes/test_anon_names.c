// SPDX-License-Identifier: BSD-2-Clause
// Names that anon= gave: what gets one of them, as long as the mount lives.
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static void name_is_anonymous_again(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch:deep//below/");
    assert_true(rmdir("mnt/scratch") == 0 && mkdir("mnt/scratch", 0750) == 0);
    assert_class("mnt/scratch", "anon");
    assert_int_equal(stat_of("mnt/scratch").st_mode & 07777, 0750);
    put_file("mnt/scratch/file", "contents");
    assert_false(exists("store/scratch/file"));
    assert_content("mnt/scratch/file", "contents");

    assert_ok(rename("mnt/scratch", "mnt/old"));
    assert_ok(mkdir("mnt/scratch", 0755));
    assert_class("mnt/scratch", "anon");
    assert_class("mnt/old/file", "anon");
    assert_false(exists("mnt/scratch/file"));

    assert_ok(rename("mnt/deep", "mnt/other"));
    assert_class("mnt/other/below", "anon");
    assert_ok(mkdir("mnt/deep", 0755));
    assert_class("mnt/deep", "persist");
    assert_ok(mkdir("mnt/deep/below", 0755));
    assert_class("mnt/deep/below", "anon");
    // The name is one place in the mount.
    assert_true(mkdir("mnt/deep/scratch", 0755) == 0 && mkdir("mnt/below", 0755) == 0);
    assert_class("mnt/deep/scratch", "persist");
    assert_class("mnt/below", "persist");
    workspace_unmount(workspace);

    workspace_mount(workspace, true, "");
    assert_true(rmdir("mnt/scratch") == 0 && mkdir("mnt/scratch", 0755) == 0);
    assert_class("mnt/scratch", "persist");
    workspace_unmount(workspace);
}

static void assert_not_renamed(const char *from, const char *to)
{
    assert_errno(rename(from, to), EXDEV);
    assert_errno(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE), EXDEV);
}

static void no_other_directory_takes_the_place(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch:deep/below");
    make_class_root("mnt/another", "anon");
    put_file("mnt/another/file", "anonymous");
    assert_ok(mkdir("mnt/plain", 0755));
    assert_ok(mkdir("mnt/plain/below", 0755));
    put_file("mnt/plain/below/file", "contents");
    assert_errno(renameat2(AT_FDCWD, "mnt/plain", AT_FDCWD, "mnt/scratch", RENAME_EXCHANGE), EXDEV);
    assert_errno(renameat2(AT_FDCWD, "mnt/scratch", AT_FDCWD, "mnt/plain", RENAME_EXCHANGE), EXDEV);
    assert_ok(rmdir("mnt/scratch"));
    assert_not_renamed("mnt/plain", "mnt/scratch");
    assert_true(rmdir("mnt/deep/below") == 0 && rmdir("mnt/deep") == 0);
    assert_not_renamed("mnt/plain", "mnt/deep");

    // A copy makes the directory anew.
    struct program_result result = run_program("mv", "-T", "mnt/plain", "mnt/deep", NULL);
    assert_done(&result);
    assert_class("mnt/deep", "persist");
    assert_class("mnt/deep/below", "anon");
    assert_content("mnt/deep/below/file", "contents");
    assert_false(exists("mnt/plain"));

    // An anonymous one may have the name, and a file.
    assert_ok(rename("mnt/another", "mnt/scratch"));
    assert_content("mnt/scratch/file", "anonymous");
    assert_ok(rename("mnt/scratch", "mnt/another"));
    put_file("mnt/file", "contents");
    assert_ok(rename("mnt/file", "mnt/scratch"));
    assert_content("store/scratch", "contents");
    assert_ok(unlink("mnt/scratch"));
    workspace_unmount(workspace);
}

static void too_many_names_are_refused(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char options[2100] = "anon=a";

    for (size_t length = strlen(options); length < 2064; length += 2)
        strcpy(options + length, ":b");
    struct program_result result = workspace_try_mount(workspace, true, options);
    assert_refused(&result, 1, "anon", "1535", NULL);
    assert_false(exists("store/a"));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(name_is_anonymous_again),
    cmocka_unit_test(no_other_directory_takes_the_place),
    cmocka_unit_test(too_many_names_are_refused),
};

WORKSPACE_MAIN("anon_names", cases)
