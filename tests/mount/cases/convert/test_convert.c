// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl class --convert: a directory that has entries gets another class, and all that is in it
 * stays as it was. */
#include "tests/mount/cases/convert/convert_tree.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { FAILED = 1, USAGE = 2 };

static void assert_converted(const char *class, const char *expected)
{
    struct program_result result = convert("mnt/tree", class);

    assert_int_equal(result.status, 0);
    assert_string_equal(result.out, "");
    char *now = describe_tree("mnt/tree"), *names = names_in_mount();
    assert_string_equal(now, expected);
    assert_string_equal(names, "tree ");
    assert_class("mnt/tree", class);
    assert_class("mnt/tree/directory/other", class);
    free(now);
    free(names);
}

static void to_and_fro(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    make_tree();
    char *before = describe_tree("mnt/tree");
    assert_converted("anon", before);
    assert_converted("anon", before);
    assert_converted("persist", before);
    workspace_unmount(workspace);
    char *stored = describe_tree("store/tree");
    assert_string_equal(stored, before);
    free(stored);
    free(before);
}

/* A kernel whose RAM areas have no such attributes converts nothing that would lose them. */
static void user_attributes_come_along_or_it_stays(void **state)
{
    struct workspace *workspace = workspace_of(state);
    bool can = has_user_attributes("/dev/shm");
    char value[8];

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/tree", 0755));
    put_file("mnt/tree/file", "contents");
    assert_ok(setxattr("mnt/tree/file", "user.name", "value", 5, 0));
    struct program_result result = convert("mnt/tree", "anon");
    if (can)
        assert_done(&result);
    else
        assert_refused(&result, FAILED, "as it was", "file would not", "Linux 6.6", NULL);
    assert_class("mnt/tree", can ? "anon" : "persist");
    assert_int_equal(getxattr("mnt/tree/file", "user.name", value, sizeof(value)), 5);
    assert_content("mnt/tree/file", "contents");
    workspace_unmount(workspace);
}

static void anonymous_directories_below_it(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    make_tree();
    assert_ok(mkdir("mnt/tree/below", 0755));
    struct program_result result = run_program(shmapctl(), "class", "mnt/tree/below", "anon", NULL);
    assert_done(&result);
    put_file("mnt/tree/below/file", "contents");
    char *before = describe_tree("mnt/tree");
    assert_converted("anon", before);
    assert_class("mnt/tree/below/file", "anon");
    free(before);
    workspace_unmount(workspace);
}

static void assert_as_it_was(const char *before, const char *names)
{
    char *now = describe_tree("mnt/tree"), *there = names_in_mount();

    assert_string_equal(now, before);
    assert_string_equal(there, names);
    assert_class("mnt/tree", "persist");
    free(now);
    free(there);
}

static void refusals(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=scratch");
    make_tree();
    char *before = describe_tree("mnt/tree");
    struct program_result result = convert("mnt", "anon");
    assert_refused(&result, FAILED, workspace->mnt, "mount point", NULL);
    result = convert("mnt/tree/file", "anon");
    assert_refused(&result, FAILED, "tree/file", "not a directory", NULL);
    result = convert("store", "anon");
    assert_refused(&result, FAILED, "store", "shmapfs mount", NULL);
    result = run_program(shmapctl(), "class", "--convert", "mnt/tree", NULL);
    assert_refused(&result, USAGE, "last", NULL);
    assert_ok(mkdir("mnt/scratch/below", 0755));
    result = convert("mnt/scratch/below", "persist");
    assert_refused(&result, FAILED, "scratch/below", "cannot be persist", NULL);
    assert_ok(link("mnt/tree/file", "mnt/name"));
    result = convert("mnt/tree", "anon");
    assert_refused(&result, FAILED, "mnt/tree", "another name", NULL);
    assert_ok(unlink("mnt/name"));
    result = run_program(shmapctl(), "class", "mnt/tree", "anon", NULL);
    assert_refused(&result, FAILED, "mnt/tree", "--convert", NULL);
    assert_as_it_was(before, "scratch tree ");
    free(before);
    workspace_unmount(workspace);
}

/* The mount's option keeps a name anonymous: the directory becomes persistent by another one. */
static void names_of_anon(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct program_result result;

    workspace_mount(workspace, true, "anon=other:named:deep//below/");
    put_file("mnt/named/file", "contents");
    result = convert("mnt/named", "persist");
    assert_refused(&result, FAILED, "mnt/named", "anon=named", "rename", "mount again", NULL);
    char *names = names_in_mount();
    assert_string_equal(names, "deep named other ");
    free(names);
    assert_class("mnt/named/file", "anon");
    assert_ok(rename("mnt/named", "mnt/renamed"));
    result = convert("mnt/renamed", "persist");
    assert_done(&result);
    assert_class("mnt/renamed/file", "persist");
    assert_content("mnt/renamed/file", "contents");

    result = convert("mnt/deep", "anon");
    assert_done(&result);
    result = convert("mnt/deep", "persist");
    assert_refused(&result, FAILED, "mnt/deep", "anon=deep//below/", NULL);
    assert_ok(rmdir("mnt/deep/below"));
    put_file("mnt/deep/file", "contents");
    result = convert("mnt/deep", "persist");
    assert_done(&result);
    assert_class("mnt/deep/file", "persist");
    workspace_unmount(workspace);
}

static void files_in_use(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    make_tree();
    char *before = describe_tree("mnt/tree");
    int fd = open_file("mnt/tree/directory/link", O_RDONLY);
    struct program_result result = convert("mnt/tree", "anon");
    assert_refused(&result, FAILED, "mnt/tree", "process", "directory/link", NULL);
    assert_ok(close(fd));
    fd = open_file("mnt/tree/directory/empty", O_PATH | O_DIRECTORY);
    result = convert("mnt/tree", "anon");
    assert_refused(&result, FAILED, "mnt/tree", "process", "directory/empty", NULL);
    assert_ok(close(fd));
    assert_as_it_was(before, "tree ");
    free(before);
    workspace_unmount(workspace);
}

static void full_areas(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=1m,nr_inodes=6");
    make_tree();
    char *before = describe_tree("mnt/tree");
    // There are too many files: cp finds that out.
    struct program_result result = convert("mnt/tree", "anon");
    assert_refused(&result, FAILED, "mnt/tree", "as it was", "No space left", NULL);
    assert_as_it_was(before, "tree ");
    free(before);
    int fd = open_file("mnt/tree/large", O_RDWR | O_CREAT);
    assert_int_equal(posix_fallocate(fd, 0, 2 << 20), 0);
    assert_ok(close(fd));
    before = describe_tree("mnt/tree");
    result = convert("mnt/tree", "anon");
    assert_refused(&result, FAILED, "mnt/tree", "room for", "resize", NULL);
    assert_as_it_was(before, "tree ");
    free(before);
    workspace_unmount(workspace);
}

static void what_is_beside_it_and_not_ours(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    make_tree();
    char *before = describe_tree("mnt/tree");
    put_file("mnt/.tree.shmapctl-to-anon", "contents");
    struct program_result result = convert("mnt/tree", "anon");
    assert_refused(&result, FAILED, ".tree.shmapctl-to-anon", "in the way", NULL);
    assert_as_it_was(before, ".tree.shmapctl-to-anon tree ");
    assert_ok(unlink("mnt/.tree.shmapctl-to-anon"));
    assert_ok(symlink("tree", "mnt/.tree.shmapctl-waste"));
    result = convert("mnt/tree", "anon");
    assert_refused(&result, FAILED, ".tree.shmapctl-waste", "in the way", NULL);
    assert_as_it_was(before, ".tree.shmapctl-waste tree ");
    free(before);
    workspace_unmount(workspace);
}

/* A machine that went down has taken the anonymous directory along. */
static void copies_of_what_is_gone(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "anon=tree");
    assert_ok(mkdir("mnt/.tree.shmapctl-to-persist", 0700));
    put_file("mnt/.tree.shmapctl-to-persist/file", "contents");
    struct program_result result = convert("mnt/tree", "persist");
    assert_refused(&result, FAILED, ".tree.shmapctl-to-persist", "which is empty now", NULL);
    assert_ok(access("mnt/.tree.shmapctl-to-persist/file", F_OK));
    workspace_unmount(workspace);
}

static void assert_copy_kept(const char *differs)
{
    for (int i = 0; i < 2; i++) {
        struct program_result result = convert("mnt/tree", i == 0 ? "persist" : "anon");
        assert_refused(&result, FAILED, "mnt/.tree.shmapctl-to-persist", "not have all of it now",
                       differs, NULL);
    }
    assert_content("mnt/.tree.shmapctl-to-persist/directory/other", "contents");
}

/* The directories have come back, or a program has begun anew. */
static void copies_of_what_has_begun_anew(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "skeleton");
    make_class_root("mnt/tree", "anon");
    assert_ok(mkdir("mnt/tree/directory", 0755));
    assert_ok(mkdir("mnt/.tree.shmapctl-to-persist", 0700));
    assert_ok(mkdir("mnt/.tree.shmapctl-to-persist/directory", 0700));
    put_file("mnt/.tree.shmapctl-to-persist/directory/other", "contents");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_true(exists("mnt/tree/directory"));
    assert_copy_kept("directory/other: existence");
    put_file("mnt/tree/directory/other", "anew");
    assert_copy_kept("directory/other: size");
    put_file("mnt/tree/directory/other", "contentS");
    assert_copy_kept("directory/other: contents");
    // A file that cp was copying when it was killed.
    put_file("mnt/tree/directory/other", "contents and more");
    char *before = describe_tree("mnt/tree");
    assert_converted("persist", before);
    free(before);
    workspace_unmount(workspace);
}

static void mounts_in_it(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    make_tree();
    assert_ok(mount("none", "mnt/tree/directory/empty", "tmpfs", 0, NULL));
    struct program_result result = convert("mnt/tree", "anon");
    assert_refused(&result, FAILED, "mnt/tree", "mounted in it", NULL);
    result = convert("mnt/tree/directory/empty", "anon");
    assert_refused(&result, FAILED, "empty", "shmapfs mount", NULL);
    assert_ok(umount("mnt/tree/directory/empty"));
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(to_and_fro),
    cmocka_unit_test(user_attributes_come_along_or_it_stays),
    cmocka_unit_test(anonymous_directories_below_it),
    cmocka_unit_test(refusals),
    cmocka_unit_test(names_of_anon),
    cmocka_unit_test(files_in_use),
    cmocka_unit_test(full_areas),
    cmocka_unit_test(what_is_beside_it_and_not_ours),
    cmocka_unit_test(copies_of_what_is_gone),
    cmocka_unit_test(copies_of_what_has_begun_anew),
    cmocka_unit_test(mounts_in_it),
};

ROOT_LAST_MAIN("convert", cases, 1)
