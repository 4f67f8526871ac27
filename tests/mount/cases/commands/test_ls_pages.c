// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl ls: the pages of a file that are in memory, and the attribute that tells of them. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/cases/commands/ls_output.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/workspace/workspace.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static bool was_seen_dirty(void *fd)
{
    write_pages(*(int *)fd);
    return ls_number("file", "dirty") > 0;
}

static void dirty_pages_become_clean(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, true, "");
    int fd = new_file("mnt/file", 0);
    write_pages(fd);
    struct json_object *answer = ls_json("mnt");
    struct json_object *file = ls_object(answer, "file");
    assert_int_equal(json_number(file, "size"), BYTES);
    // Without passthrough FUSE's page cache has them, too.
    assert_int_equal(json_number(file, "resident"),
                     area_is_passthrough(workspace, "store_area") ? PAGES : 2 * PAGES);
    assert_int_equal(json_number(file, "swapped"), 0);
    json_object_put(answer);
    // The kernel may write pages whenever it likes.
    assert_true(becomes_true(was_seen_dirty, &fd));
    assert_ok(fsync(fd));
    assert_int_equal(ls_number("file", "dirty"), 0);
    assert_int_equal(ls_number("file", "allocated"), BYTES);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static bool was_written_dirty(void *address)
{
    *(volatile char *)address = 1;
    return ls_number("file", "dirty") == 1;
}

static void mapped_writes_make_pages_dirty(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, true, "");
    int fd = new_file("mnt/file", 0);
    write_pages(fd);
    char *address = map_shared(fd, (size_t)BYTES);
    assert_ok(fsync(fd));
    assert_int_equal(ls_number("file", "dirty"), 0);
    assert_true(becomes_true(was_written_dirty, address + 3 * PAGE));
    assert_ok(msync(address, (size_t)BYTES, MS_SYNC));
    assert_int_equal(ls_number("file", "dirty"), 0);
    unmap(address, (size_t)BYTES);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static void anonymous_pages(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, true, "anon=scratch,huge=never");
    int fd = new_file("mnt/scratch/file", 0);
    write_pages(fd);
    struct json_object *answer = ls_json("mnt");
    struct json_object *file = ls_object(answer, "scratch/file");
    assert_string_equal(json_text(file, "class"), "anon");
    assert_int_equal(json_number(file, "size"), BYTES);
    assert_int_equal(json_number(file, "allocated"), BYTES);
    assert_int_equal(json_number(file, "resident"),
                     area_is_passthrough(workspace, "ram_area") ? PAGES : 2 * PAGES);
    // They are where they belong.
    assert_int_equal(json_number(file, "dirty"), 0);
    json_object_put(answer);
    assert_ok(ftruncate(fd, PAGE));
    assert_int_equal(ls_number("scratch/file", "allocated"), PAGE);
    // FUSE's page cache may have dropped all.
    assert_in_range(ls_number("scratch/file", "resident"), 1,
                    area_is_passthrough(workspace, "ram_area") ? 1 : 2);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

static void holes(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, false, "huge=never");
    int fd = new_file("mnt/sparse", (off_t)1 << 30);
    struct json_object *answer = ls_json("mnt");
    struct json_object *file = ls_object(answer, "sparse");
    assert_int_equal(json_number(file, "size"), 1 << 30);
    assert_int_equal(json_number(file, "allocated"), 0);
    // The kernel keeps the last page, when it is told of a size.
    assert_in_range(json_number(file, "resident"), 0,
                    area_is_passthrough(workspace, "ram_area") ? 0 : 1);
    json_object_put(answer);
    assert_int_equal(pwrite(fd, "x", 1, 77 * PAGE), 1);
    assert_int_equal(ls_number("sparse", "allocated"), PAGE);
    assert_true(ls_number("sparse", "resident") >= 1);
    put_file("mnt/empty", "");
    assert_int_equal(ls_number("empty", "resident"), 0);
    assert_ok(close(fd));
    workspace_unmount(workspace);
}

/* Lists as a user who may read the file and no more. */
static int count_of_another(void *argument)
{
    char value[256];

    (void)argument;
    assert_errno(getxattr("mnt/file", "user.shmapfs.pages", value, sizeof(value)), EPERM);
    struct json_object *answer = ls_json("mnt");
    struct json_object *file = ls_object(answer, "file");
    assert_int_equal(json_number(file, "size"), 8);
    assert_null(json_member(file, "resident"));
    assert_null(json_member(file, "dirty"));
    assert_null(json_member(file, "swapped"));
    // A user who may write may not know, either: with an access ACL the mode says less than it
    // seems.
    assert_null(json_member(ls_object(answer, "writable"), "resident"));
    assert_true(json_number(ls_object(answer, "own"), "resident") >= 1);
    json_object_put(answer);
    struct program_result result = run_program(shmapctl(), "ls", "mnt/file", NULL);
    assert_done_or_incomplete(&result);
    assert_non_null(strstr(result.out, "         -      -      0  file\n"));
    return 0;
}

static void pages_of_other_users(void **state)
{
    struct workspace *workspace = workspace_of(state);

    need_cachestat();
    workspace_mount(workspace, false, "");
    put_file("mnt/file", "contents");
    put_file("mnt/writable", "contents");
    assert_ok(chmod("mnt/file", 0644));
    assert_ok(chmod("mnt/writable", 0666));
    put_file("mnt/own", "contents");
    assert_ok(chown("mnt/own", NOBODY, NOBODY));
    assert_int_equal(harness_as(NOBODY, NOBODY, 0, NULL, count_of_another, NULL), 0);
    assert_true(ls_number("file", "resident") >= 1);
    workspace_unmount(workspace);
}

static void the_attribute(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char value[256], names[256], wanted[64];

    need_cachestat();
    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    ssize_t length = getxattr("mnt/file", "user.shmapfs.pages", value, sizeof(value) - 1);
    assert_ok(length);
    assert_int_equal(getxattr("mnt/file", "user.shmapfs.pages", NULL, 0), length);
    value[length] = '\0';
    snprintf(wanted, sizeof(wanted), " swapped=0 passthrough=%d",
             area_is_passthrough(workspace, "store_area"));
    assert_int_equal(strncmp(value, "resident=1 dirty=", 17), 0);
    assert_non_null(strstr(value, wanted));
    assert_errno(setxattr("mnt/file", "user.shmapfs.pages", "x", 1, 0), EPERM);
    assert_errno(getxattr("mnt", "user.shmapfs.pages", value, sizeof(value)), ENODATA);
    assert_int_equal(listxattr("mnt/file", names, sizeof(names)), 0);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(dirty_pages_become_clean),
    cmocka_unit_test(mapped_writes_make_pages_dirty),
    cmocka_unit_test(anonymous_pages),
    cmocka_unit_test(holes),
    cmocka_unit_test(the_attribute),
    cmocka_unit_test(pages_of_other_users),
};

// The last of them becomes another user.
ROOT_LAST_MAIN("ls_pages", cases, 1)
