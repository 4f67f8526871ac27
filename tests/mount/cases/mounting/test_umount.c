// SPDX-License-Identifier: BSD-2-Clause
/*
 * Data that was written through a mapping is in the store after an unmount, whatever was closed,
 * unmapped or killed first.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/mapping.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL_FILES = 100, SMALL_PAGES = 2, LARGE_PAGES = 8192 };

/* How a process ends its use of a file. */
enum last { UNMAPS, EXITS, IS_KILLED };

struct way {
    bool closes_first;
    enum last last;
};

static const struct way WAYS[] = {
    { false, UNMAPS }, { false, EXITS }, { false, IS_KILLED },
    { true, UNMAPS },  { true, EXITS },  { true, IS_KILLED },
};
enum { WAY_COUNT = sizeof(WAYS) / sizeof(WAYS[0]) };

static void name_of(char *path, size_t size, const char *directory, size_t pages, int number)
{
    snprintf(path, size, "%s/%zu-%d", directory, pages, number);
}

static uint64_t mark_of(size_t page, int number)
{
    return ((uint64_t)page << 32 | (uint32_t)number) + 1;
}

/* Writes a mark into each page through a mapping; false: it could not. */
static bool write_file(const struct way *way, size_t pages, int number)
{
    size_t length = pages * page_size();
    char path[64];

    name_of(path, sizeof(path), "mnt", pages, number);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd == -1 || ftruncate(fd, (off_t)length) == -1)
        return false;
    char *mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapping == MAP_FAILED || (way->closes_first && close(fd) == -1))
        return false;
    for (size_t i = 0; i < pages; i++)
        *(uint64_t *)(mapping + i * page_size()) = mark_of(i, number);
    if (way->last != UNMAPS)
        return true;
    return munmap(mapping, length) == 0 && (way->closes_first || close(fd) == 0);
}

/* Does that in a process that ends as `way` says. */
static void write_files(const struct way *way, size_t pages, int count)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < count; i++)
            if (!write_file(way, pages, i))
                _exit(EXIT_FAILURE);
        if (way->last == IS_KILLED)
            kill(getpid(), SIGKILL);
        _exit(EXIT_SUCCESS);
    }
    // An emulated machine may take long for that.
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, way->last == IS_KILLED ? SIGKILL : 0);
}

static size_t lost_pages(const char *directory, size_t pages, int number)
{
    size_t lost = 0;
    char path[64];

    name_of(path, sizeof(path), directory, pages, number);
    int fd = open_file(path, O_RDONLY);
    for (size_t i = 0; i < pages; i++) {
        uint64_t mark = 0;
        off_t offset = (off_t)(i * page_size());
        assert_int_equal(pread(fd, &mark, sizeof(mark), offset), sizeof(mark));
        lost += mark != mark_of(i, number);
    }
    assert_ok(close(fd));
    return lost;
}

static void assert_whole(const char *directory, size_t pages, int count)
{
    size_t lost = 0;
    int files = 0;

    for (int i = 0; i < count; i++) {
        size_t of_this = lost_pages(directory, pages, i);
        lost += of_this;
        files += of_this > 0;
    }
    if (lost > 0)
        fail_msg("%zu pages of %zu are lost, in %d files of %d", lost, pages * (size_t)count, files,
                 count);
}

/* Unmounts without waiting for the daemon. */
static void unmount_only(const struct workspace *workspace, int flags)
{
    if (workspace->root) {
        assert_ok(umount2(workspace->mnt, flags));
        return;
    }
    struct program_result result =
        flags & MNT_DETACH ? run_program("fusermount3", "-u", "-z", workspace->mnt, NULL)
                           : run_program("fusermount3", "-u", workspace->mnt, NULL);
    assert_done(&result);
}

static void write_and_unmount(const struct workspace *workspace, const struct way *way,
                              size_t pages, int count)
{
    workspace_mount(workspace, true, "");
    write_files(way, pages, count);
    unmount_only(workspace, 0);
    // A file that was closed last is there at once. The kernel does not let umount(2) wait for the
    // rest (fs/vfs/hold.h).
    if (!way->closes_first)
        assert_whole("store", pages, count);
    assert_int_equal(workspace_await_children(), 0);
    assert_whole("store", pages, count);
}

static void many_small_files(void **state)
{
    for (int i = 0; i < WAY_COUNT; i++)
        write_and_unmount(workspace_of(state), &WAYS[i], SMALL_PAGES, SMALL_FILES);
}

static void one_large_file(void **state)
{
    for (int i = 0; i < WAY_COUNT; i++)
        write_and_unmount(workspace_of(state), &WAYS[i], LARGE_PAGES, 1);
}

/* The next mount waits until everything is there. */
static void mounted_again(void **state)
{
    struct workspace *workspace = workspace_of(state);
    const struct way *way = &WAYS[WAY_COUNT - 1];

    for (int i = 0; i < 5; i++) {
        workspace_mount(workspace, true, "");
        if (i > 0)
            assert_whole("mnt", SMALL_PAGES, SMALL_FILES);
        write_files(way, SMALL_PAGES, SMALL_FILES);
        unmount_only(workspace, 0);
    }
    assert_int_equal(workspace_await_children(), 0);
}

static void without_a_keeper(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "nokeeper");
    write_files(&WAYS[WAY_COUNT - 1], LARGE_PAGES, 1);
    unmount_only(workspace, 0);
    assert_int_equal(workspace_await_children(), 0);
    assert_whole("store", LARGE_PAGES, 1);
}

/* A daemon that is told to end just then ends no sooner. */
static void told_to_end_at_once(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    pid_t daemon = daemon_of(workspace);
    write_files(&WAYS[WAY_COUNT - 1], LARGE_PAGES, 1);
    unmount_only(workspace, 0);
    kill(daemon, SIGTERM);
    assert_int_equal(workspace_await_children(), 0);
    assert_whole("store", LARGE_PAGES, 1);
}

/* Another worker serves the requests that the kernel got no answer to. */
static void worker_dies_meanwhile(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    pid_t keeper = (pid_t)read_status_number(workspace, "keeper");
    pid_t worker = (pid_t)read_status_number(workspace, "pid");
    write_files(&WAYS[WAY_COUNT - 1], LARGE_PAGES, 1);
    unmount_only(workspace, 0);
    if (keeper != 0)
        kill(worker, SIGKILL);
    assert_int_equal(workspace_await_children(), 0);
    assert_whole("store", LARGE_PAGES, 1);
}

static int write_when_told(struct coprocess *parent, void *argument)
{
    size_t length = LARGE_PAGES * page_size();
    char path[64];

    (void)argument;
    name_of(path, sizeof(path), "mnt", LARGE_PAGES, 0);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    coprocess_check(fd != -1 && ftruncate(fd, (off_t)length) == 0);
    char *mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(mapping != MAP_FAILED && close(fd) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    for (size_t i = 0; i < LARGE_PAGES; i++)
        *(uint64_t *)(mapping + i * page_size()) = mark_of(i, 0);
    return 0;
}

/* A mount that is detached while it is in use is served until it is not. */
static void detached_while_in_use(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    workspace_mount(workspace, true, "");
    assert_int_equal(coprocess_start(&coprocess, write_when_told, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    unmount_only(workspace, MNT_DETACH);
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_int_equal(workspace_await_children(), 0);
    assert_whole("store", LARGE_PAGES, 1);
}

static int copy_of_the_mount(struct coprocess *parent, void *argument)
{
    const struct workspace *workspace = argument;

    coprocess_check(unshare(CLONE_NEWNS) == 0);
    coprocess_check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(write_file(&WAYS[0], LARGE_PAGES, 0));
    coprocess_check(umount2(workspace->mnt, 0) == 0);
    return 0;
}

/* Another mount namespace still has the mount, and it is served there. */
static void elsewhere_still_mounted(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    if (!workspace->root)
        return;
    workspace_mount(workspace, true, "");
    assert_int_equal(coprocess_start(&coprocess, copy_of_the_mount, workspace), 0);
    assert_true(coprocess_await_turn(&coprocess));
    unmount_only(workspace, 0);
    assert_true(coprocess_give_turn(&coprocess));
    assert_coprocess_succeeds(&coprocess);
    assert_int_equal(workspace_await_children(), 0);
    assert_whole("store", LARGE_PAGES, 1);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(many_small_files),      cmocka_unit_test(one_large_file),
    cmocka_unit_test(mounted_again),         cmocka_unit_test(without_a_keeper),
    cmocka_unit_test(told_to_end_at_once),   cmocka_unit_test(worker_dies_meanwhile),
    cmocka_unit_test(detached_while_in_use), cmocka_unit_test(elsewhere_still_mounted),
};

WORKSPACE_MAIN("umount", cases)
