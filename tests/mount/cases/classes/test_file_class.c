// SPDX-License-Identifier: BSD-2-Clause
/* The class of a single file in a directory whose files last. */
#include "tests/mount/cases/classes/file_class.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MIB = 1 << 20, ROUNDS = 200, CLIENTS = 4 };

static const char *const LASTING[] = { "persist", "atomic", "checkpoint" };
#define LASTING_COUNT (sizeof(LASTING) / sizeof(LASTING[0]))

static void the_name_is_kept_and_the_contents_are_not(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    put_file("mnt/other", "other");
    assert_ok(chmod("mnt/file", 0640));
    assert_ok(set_class("mnt/file", "anon"));
    await_file_class("mnt/file", "anon");
    assert_class("mnt/other", "persist");
    assert_content("mnt/file", "contents");
    assert_int_equal(stat_of("store/file").st_size, 0);
    assert_ok(truncate("mnt/file", 4));
    assert_content("mnt/file", "cont");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "");
    assert_class("mnt/file", "anon");
    assert_int_equal(stat_of("mnt/file").st_mode & 07777, 0640);
    assert_content("mnt/file", "");
    assert_content("mnt/other", "other");
    put_file("mnt/file", "again");
    assert_ok(rename("mnt/file", "mnt/moved"));
    assert_content("mnt/moved", "again");
    assert_ok(unlink("mnt/moved"));
    put_file("mnt/moved", "");
    assert_class("mnt/moved", "persist");
    workspace_unmount(workspace);
}

/* Data, holes, size and time come along to each class and back. */
static void contents_come_along(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1000000000 } };
    char *mapping;
    int fd;

    workspace_mount(workspace, true, "size=64m");
    fd = new_file("mnt/file", 8 * MIB);
    assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
    assert_int_equal(pwrite(fd, "end", 3, 5 * MIB - 1), 3);
    assert_ok(futimens(fd, times));
    assert_ok(close(fd));
    for (size_t i = 0; i < LASTING_COUNT; i++) {
        assert_ok(set_class("mnt/file", LASTING[i]));
        await_file_class("mnt/file", LASTING[i]);
        assert_ok(set_class("mnt/file", "anon"));
        await_file_class("mnt/file", "anon");
        assert_int_equal(stat_of("mnt/file").st_mtim.tv_sec, 1000000000);
        assert_int_equal(stat_of("mnt/file").st_size, 8 * MIB);
        assert_true(stat_of("mnt/file").st_blocks < 8 * MIB / 512);
    }
    assert_ok(set_class("mnt/file", "persist"));
    await_file_class("mnt/file", "persist");
    workspace_unmount(workspace);
    fd = open_file("store/file", O_RDONLY);
    mapping = map_fd(fd, 8 * MIB, PROT_READ, MAP_SHARED);
    assert_memory_equal(mapping, "begin", 5);
    assert_memory_equal(mapping + 5 * MIB - 1, "end", 3);
    assert_true(all_bytes(mapping + 5, 5 * MIB - 6, 0));
    unmap(mapping, 8 * MIB);
    assert_ok(close(fd));
}

static void a_file_in_use_changes_after_its_last_close(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *mapping;
    int fd;

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    fd = open_file("mnt/file", O_RDWR);
    assert_ok(set_class("mnt/file", "anon"));
    assert_class("mnt/file", "persist");
    assert_next_class("mnt/file", "anon");
    assert_int_equal(pwrite(fd, "C", 1, 0), 1);
    assert_ok(close(fd));
    await_file_class("mnt/file", "anon");
    assert_content("mnt/file", "Contents");
    // A mapping is a use, too.
    fd = open_file("mnt/file", O_RDWR);
    mapping = map_shared(fd, page_size());
    assert_ok(close(fd));
    assert_ok(set_class("mnt/file", "persist"));
    assert_next_class("mnt/file", "persist");
    mapping[0] = 'D';
    unmap(mapping, page_size());
    await_file_class("mnt/file", "persist");
    assert_content("store/file", "Dontents");
    workspace_unmount(workspace);
}

/* The kernel knows of no open any more, where a mapping passes through. */
static void a_mapping_alone_holds_a_change_up(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *mapping;
    int fd;

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    fd = open_file("mnt/file", O_RDWR);
    mapping = map_shared(fd, page_size());
    assert_ok(close(fd));
    assert_ok(set_class("mnt/file", "anon"));
    assert_content("mnt/file", "contents");
    assert_class("mnt/file", "persist");
    mapping[0] = 'C';
    unmap(mapping, page_size());
    // Nobody tells of that, and nobody uses the file.
    await_file_class("mnt/file", "anon");
    assert_content("mnt/file", "Contents");
    workspace_unmount(workspace);
}

static void a_change_can_be_called_off(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int fd;

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    fd = open_file("mnt/file", O_RDWR);
    assert_ok(set_class("mnt/file", "anon"));
    assert_ok(set_class("mnt/file", "persist"));
    assert_next_class("mnt/file", NULL);
    assert_ok(close(fd));
    assert_content("mnt/file", "contents");
    assert_class("mnt/file", "persist");
    workspace_unmount(workspace);
}

static void what_cannot_be_is_refused(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=1m,anon=ram");
    put_file("mnt/file", "contents");
    put_file("mnt/ram/file", "contents");
    assert_errno(set_class("mnt/file", "scratch"), EINVAL);
    assert_errno(set_class("mnt/file", "nonsense"), EINVAL);
    assert_errno(set_class("mnt/file", "anon,size=1m"), ENOTDIR);
    assert_errno(set_class("mnt/ram/file", "persist"), ENOTDIR);
    assert_ok(symlink("file", "mnt/link"));
    assert_errno(lsetxattr("mnt/link", "user.shmapfs.class", "anon", 4, 0), EPERM);
    workspace_unmount(workspace);
}

/* The contents do not fit: nothing changes, and nothing is lost. */
static void a_full_area_takes_no_file(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char *data = malloc(2 * MIB);
    int fd;

    assert_non_null(data);
    memset(data, 'x', 2 * MIB);
    workspace_mount(workspace, true, "size=1m,anon=ram");
    fd = new_file("mnt/file", 0);
    assert_int_equal(write(fd, data, 2 * MIB), 2 * MIB);
    assert_ok(close(fd));
    // A RELEASE that is still to come counts as a use.
    while (set_class("mnt/file", "anon") == 0)
        sched_yield();
    assert_int_equal(errno, ENOSPC);
    assert_class("mnt/file", "persist");
    assert_next_class("mnt/file", NULL);
    assert_int_equal(stat_of("store/file").st_size, 2 * MIB);
    // Nor does it take any room.
    fd = new_file("mnt/ram/other", 0);
    assert_int_equal(write(fd, data, MIB / 2), MIB / 2);
    assert_ok(close(fd));
    workspace_unmount(workspace);
    free(data);
}

static void the_class_of_the_directory_comes_back(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int fd;

    workspace_mount(workspace, true, "atomic=atomic");
    put_file("mnt/file", "contents");
    assert_errno(unset_class("mnt/file"), ENODATA);
    assert_ok(set_class("mnt/file", "anon"));
    await_file_class("mnt/file", "anon");
    assert_true(has_own_class("store/file"));
    assert_ok(unset_class("mnt/file"));
    await_file_class("mnt/file", "persist");
    assert_content("store/file", "contents");
    await_no_own_class("store/file");
    assert_errno(unset_class("mnt/file"), ENODATA);
    // A class that it was to get is called off, and one that it has goes when nobody uses it.
    fd = open_file("mnt/file", O_RDWR);
    assert_ok(set_class("mnt/file", "atomic"));
    assert_ok(unset_class("mnt/file"));
    assert_next_class("mnt/file", NULL);
    assert_ok(close(fd));
    assert_ok(set_class("mnt/file", "anon"));
    await_file_class("mnt/file", "anon");
    fd = open_file("mnt/file", O_RDWR);
    assert_ok(unset_class("mnt/file"));
    assert_class("mnt/file", "anon");
    assert_next_class("mnt/file", "persist");
    assert_int_equal(pwrite(fd, "C", 1, 0), 1);
    assert_ok(close(fd));
    await_file_class("mnt/file", "persist");
    assert_content("store/file", "Contents");
    await_no_own_class("store/file");
    workspace_unmount(workspace);
}

/* Also where the mount has not given the file its class itself. */
static void it_is_that_of_its_own_directory(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "atomic=atomic");
    put_file("mnt/atomic/file", "contents");
    assert_ok(set_class("mnt/atomic/file", "persist"));
    await_file_class("mnt/atomic/file", "persist");
    workspace_unmount(workspace);
    assert_true(has_own_class("store/atomic/file"));
    workspace_mount(workspace, true, "atomic=atomic");
    assert_class("mnt/atomic/file", "persist");
    assert_ok(unset_class("mnt/atomic/file"));
    await_file_class("mnt/atomic/file", "atomic");
    assert_content("mnt/atomic/file", "contents");
    await_no_own_class("store/atomic/file");
    workspace_unmount(workspace);
}

/* Makes a file that leaves no room in an area of 1 MiB for another one. */
static int large_file(const char *path)
{
    static const char zeros[MIB - MIB / 8];
    int fd = new_file(path, 0);

    assert_int_equal(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
    return fd;
}

/* Contents go when nobody can reach them any more, and not before. */
static void contents_go_with_the_last_who_can_open(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];
    char text[16] = "";
    int looked_up;
    int fd;

    workspace_mount(workspace, true, "size=1m,anon=ram");
    assert_ok(close(large_file("mnt/file")));
    assert_ok(set_class("mnt/file", "anon"));
    await_file_class("mnt/file", "anon");
    looked_up = open("mnt/file", O_PATH | O_CLOEXEC);
    assert_true(looked_up >= 0);
    assert_ok(unlink("mnt/file"));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", looked_up);
    fd = open_file(path, O_RDWR);
    assert_int_equal(pwrite(fd, "contents", 8, MIB / 2), 8);
    assert_ok(close(fd));
    fd = open_file(path, O_RDONLY);
    assert_int_equal(size_of(fd), MIB - MIB / 8);
    assert_ok(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    assert_int_equal(pread(fd, text, 8, MIB / 2), 8);
    assert_string_equal(text, "contents");
    assert_ok(close(fd));
    assert_ok(close(looked_up));
    assert_ok(close(large_file("mnt/ram/file")));
    workspace_unmount(workspace);
}

static int change_and_read(struct coprocess *parent, void *argument)
{
    static const char *const classes[] = { "anon", "persist" };

    (void)parent;
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        char text[16] = "";
        int fd = -1;

        coprocess_check(set_class("mnt/file", classes[i % 2]) == 0);
        fd = open("mnt/file", O_RDONLY | O_CLOEXEC);
        coprocess_check(fd >= 0 && read(fd, text, sizeof(text) - 1) == 8);
        coprocess_check(strcmp(text, "contents") == 0);
        coprocess_check(close(fd) == 0);
    }
    return 0;
}

/* Whichever class it has in between, the file has what it contains. */
static void many_change_and_read(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess clients[CLIENTS];

    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    for (int i = 0; i < CLIENTS; i++)
        assert_int_equal(coprocess_start(&clients[i], change_and_read, NULL), 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_coprocess_succeeds(&clients[i]);
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

/* The kernel lets nobody ask for an attribute of what he may not read. */
static void who_may_not_read_is_not_told(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (workspace->root)
        return; // Root may read all.
    workspace_mount(workspace, true, "");
    put_file("mnt/file", "");
    assert_ok(chmod("mnt/file", 0200));
    struct program_result result = run_program(shmapctl(), "class", "mnt/file", NULL);
    assert_refused(&result, EXIT_FAILURE, "mnt/file", "permission denied; only who may read it",
                   NULL);
    assert_ok(mkdir("mnt/directory", 0));
    result = run_program(shmapctl(), "class", "mnt/directory/file", NULL);
    assert_refused(&result, EXIT_FAILURE, "mnt/directory/file", "permission denied", NULL);
    assert_null(strstr(result.err, "only who"));
    assert_ok(chmod("mnt/directory", 0700));
    workspace_unmount(workspace);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(the_name_is_kept_and_the_contents_are_not),
        cmocka_unit_test(contents_come_along),
        cmocka_unit_test(a_file_in_use_changes_after_its_last_close),
        cmocka_unit_test(a_mapping_alone_holds_a_change_up),
        cmocka_unit_test(a_change_can_be_called_off),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(contents_go_with_the_last_who_can_open),
        cmocka_unit_test(many_change_and_read),
        cmocka_unit_test(a_full_area_takes_no_file),
        cmocka_unit_test(the_class_of_the_directory_comes_back),
        cmocka_unit_test(it_is_that_of_its_own_directory),
        cmocka_unit_test(who_may_not_read_is_not_told),
    };

    return workspace_main(argc, argv, "file_class", cases, sizeof(cases) / sizeof(cases[0]));
}
