// SPDX-License-Identifier: BSD-2-Clause
/* A store whose disk does not answer, and many who wait for it: what does not need the disk goes
 * on, and the mount can be ended. */
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* More than the daemon has threads. */
enum { WAITING = 40, REMOVED = 60, CREATED = 1000 };

struct frozen_store {
    struct workspace *workspace;
    struct coprocess thawer;
    struct coprocess waiting[WAITING];
    struct coprocess keeping;
};

static int make_file(struct coprocess *parent, void *number)
{
    char path[64];

    snprintf(path, sizeof(path), "mnt/directory%d/new", *(int *)number);
    coprocess_check(coprocess_give_turn(parent));
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    // An end of the mount ends the call, too.
    coprocess_check(fd != -1 || errno == ECONNABORTED || errno == ENOTCONN);
    return 0;
}

/* Keeps removed files of the store until it is told. */
static int keep_removed_files(struct coprocess *parent, void *unused)
{
    char path[64];

    (void)unused;
    for (int i = 0; i < REMOVED; i++) {
        snprintf(path, sizeof(path), "mnt/removed%d", i);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        coprocess_check(fd != -1 && write(fd, "content", 7) == 7 && unlink(path) == 0);
    }
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

static char state_of(pid_t pid)
{
    char path[64], state = 'R';

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(path, "re");
    if (stat == NULL || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
        state = 'R';
    if (stat != NULL)
        fclose(stat);
    return state;
}

/* Returns whether a process waits for something, which is the daemon or the disk, or has ended. */
static bool is_waiting(void *pid)
{
    return strchr("SDZ", state_of(*(pid_t *)pid)) != NULL;
}

static bool has_ended(void *pid)
{
    return state_of(*(pid_t *)pid) == 'Z';
}

/* Mounts a disk, freezes it, and has many wait for it. */
static void freeze(struct frozen_store *frozen, struct workspace *workspace)
{
    char path[64];

    frozen->workspace = workspace;
    disk_make(workspace, 16, "", "");
    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/ram", 0755));
    assert_ok(set_class("mnt/ram", "anon"));
    assert_false(exists("mnt/ram/file"));
    for (int i = 0; i < WAITING; i++) {
        snprintf(path, sizeof(path), "mnt/directory%d", i);
        assert_ok(mkdir(path, 0755));
    }
    assert_int_equal(coprocess_start(&frozen->keeping, keep_removed_files, NULL), 0);
    assert_true(coprocess_await_turn(&frozen->keeping));
    disk_freeze(&frozen->thawer);
    for (int i = 0; i < WAITING; i++) {
        assert_int_equal(coprocess_start(&frozen->waiting[i], make_file, &i), 0);
        assert_true(coprocess_await_turn(&frozen->waiting[i]));
        await_true(is_waiting, &frozen->waiting[i].pid, "a process that waits for the disk");
    }
    // The files that go with the last use of these take the disk, too.
    assert_true(coprocess_give_turn(&frozen->keeping));
    await_true(is_waiting, &frozen->keeping.pid, "a process that ends");
}

static void thaw(struct frozen_store *frozen)
{
    disk_thaw(&frozen->thawer);
    assert_coprocess_succeeds(&frozen->keeping);
}

static void anonymous_directories_go_on(void **state)
{
    struct frozen_store frozen;
    char path[64];

    freeze(&frozen, workspace_of(state));
    for (int i = 0; i < CREATED; i++) {
        snprintf(path, sizeof(path), "mnt/ram/file%d", i);
        put_file(path, "");
    }
    assert_true(read_status_number(frozen.workspace, "pid") > 0);
    thaw(&frozen);
    for (int i = 0; i < WAITING; i++)
        assert_coprocess_succeeds(&frozen.waiting[i]);
    for (int i = 0; i < WAITING; i++) {
        snprintf(path, sizeof(path), "mnt/directory%d/new", i);
        assert_true(exists(path));
    }
    workspace_unmount(frozen.workspace);
    disk_remove(frozen.workspace);
}

/* It ends when the disk answers; the next one serves who is left. */
static void the_worker_may_die(void **state)
{
    struct frozen_store frozen;
    char path[64];

    freeze(&frozen, workspace_of(state));
    assert_ok(kill((pid_t)read_status_number(frozen.workspace, "pid"), SIGKILL));
    thaw(&frozen);
    for (int i = 0; i < WAITING; i++)
        assert_coprocess_succeeds(&frozen.waiting[i]);
    for (int i = 0; i < WAITING; i++) {
        snprintf(path, sizeof(path), "mnt/directory%d/new", i);
        assert_true(exists(path));
    }
    assert_int_equal(read_status_number(frozen.workspace, "restarts"), 1);
    workspace_unmount(frozen.workspace);
    disk_remove(frozen.workspace);
}

static bool is_unmounted(void *path)
{
    return !workspace_is_mounted(path);
}

/* The callers hear of the end before the disk answers. */
static void await_the_end(struct frozen_store *frozen)
{
    await_true(is_unmounted, frozen->workspace->mnt, "the end of the mount");
    for (int i = 0; i < WAITING; i++)
        assert_coprocess_succeeds(&frozen->waiting[i]);
    thaw(frozen);
    assert_int_equal(workspace_await_children(), 0);
    disk_remove(frozen->workspace);
}

static void a_signal_ends_the_mount(void **state)
{
    struct frozen_store frozen;

    freeze(&frozen, workspace_of(state));
    assert_ok(kill(daemon_of(frozen.workspace), SIGTERM));
    await_the_end(&frozen);
}

static void a_forced_umount_ends_the_mount(void **state)
{
    struct frozen_store frozen;

    freeze(&frozen, workspace_of(state));
    // It aborts the connection first of all; the mount may be in use even so.
    struct program_result result = run_program("umount", "-f", frozen.workspace->mnt, NULL);
    assert_in_range(result.status, 0, 32);
    await_the_end(&frozen);
}

static int look(struct coprocess *parent, void *path)
{
    coprocess_check(coprocess_give_turn(parent) && exists(path));
    return 0;
}

/* With -o skeleton, the first use of an anonymous directory is a change in the store. */
static void other_anonymous_directories_are_met(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char unmarked[] = "mnt/unmarked", marked[] = "mnt/marked";
    struct coprocess thawer, waits, goes_on;

    disk_make(workspace, 16, "", "");
    workspace_mount(workspace, true, "anon=unmarked:marked");
    assert_ok(setxattr(marked, "user.shmapfs.skeleton", "1", 1, 0));
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "skeleton");
    disk_freeze(&thawer);
    assert_int_equal(coprocess_start(&waits, look, unmarked), 0);
    assert_true(coprocess_await_turn(&waits));
    await_true(is_waiting, &waits.pid, "a process that waits for the disk");
    assert_int_equal(coprocess_start(&goes_on, look, marked), 0);
    assert_true(coprocess_await_turn(&goes_on));
    await_true(has_ended, &goes_on.pid, "the end of a process that does not");
    assert_coprocess_succeeds(&goes_on);
    disk_thaw(&thawer);
    assert_coprocess_succeeds(&waits);
    assert_int_equal(getxattr("store/unmarked", "user.shmapfs.skeleton", NULL, 0), 1);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(anonymous_directories_go_on),
    cmocka_unit_test(other_anonymous_directories_are_met),
    cmocka_unit_test(the_worker_may_die),
    cmocka_unit_test(a_signal_ends_the_mount),
    cmocka_unit_test(a_forced_umount_ends_the_mount),
};

WORKSPACE_MAIN("frozen_store", cases)
