// SPDX-License-Identifier: BSD-2-Clause
/*
 * Locks on a mount whose store others use, too: they are locks of the store's files, and they and
 * those who wait for them outlive the process that serves.
 */
#include "tests/mount/cases/locks/lock_kinds.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/kernel.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 200 };

/* A file of the store, and one in RAM. */
static const char *const files[] = { "mnt/file", "mnt/anon/file" };
enum { FILES = sizeof(files) / sizeof(files[0]) };

struct wanted {
    const char *file;
    const struct lock_kind *kind;
};

static pid_t start(const struct workspace *workspace)
{
    pid_t keeper;

    if (!kernel_has_passthrough())
        harness_skip_case(NO_PASSTHROUGH);
    keeper = keeper_start(
        workspace, &(struct keeper_settings){ .with_store = true, .options = "shared,anon=anon" });
    for (int i = 0; i < FILES; i++)
        put_file(files[i], "");
    return keeper;
}

/* Waits for the lock, says that it has it, and keeps it until its turn comes. */
static int take_lock(struct coprocess *parent, void *argument)
{
    const struct wanted *wanted = argument;
    int fd = open(wanted->file, O_RDWR | O_CLOEXEC);

    coprocess_check(fd >= 0 && wanted->kind->lock(fd, F_WRLCK, true) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

struct counted {
    const struct workspace *workspace;
    uint64_t count;
};

static bool so_many_wait(void *argument)
{
    const struct counted *counted = argument;

    return shmap_status_of(counted->workspace).lock_waiters == counted->count;
}

static void await_waiters(const struct workspace *workspace, uint64_t count)
{
    await_true(so_many_wait, &(struct counted){ workspace, count }, "the waiters are not so many");
}

static void assert_locked(const struct wanted *wanted)
{
    int fd = open_file(wanted->file, O_RDWR);

    assert_errno(wanted->kind->lock(fd, F_WRLCK, false), EAGAIN);
    assert_ok(close(fd));
}

/* Another process serves, in some way, while a lock is held and waited for. */
static void hand_over_with(const struct workspace *workspace, const struct wanted *wanted,
                           void (*replace)(const struct workspace *workspace, pid_t keeper))
{
    struct coprocess holder, waiter;
    pid_t keeper = start(workspace);

    assert_int_equal(coprocess_start(&holder, take_lock, (void *)(uintptr_t)wanted), 0);
    assert_true(coprocess_await_turn(&holder));
    assert_int_equal(coprocess_start(&waiter, take_lock, (void *)(uintptr_t)wanted), 0);
    await_waiters(workspace, 1);
    replace(workspace, keeper);
    await_waiters(workspace, 1);
    assert_locked(wanted);
    // The lock goes with the process that has it.
    assert_ok(kill(holder.pid, SIGKILL));
    assert_int_equal(coprocess_end(&holder), 128 + SIGKILL);
    assert_true(coprocess_await_turn(&waiter));
    assert_locked(wanted);
    assert_int_equal(shmap_status_of(workspace).lock_waiters, 0);
    assert_true(coprocess_give_turn(&waiter));
    assert_coprocess_succeeds(&waiter);
    int fd = open_file(wanted->file, O_RDWR);
    // A process may end before the daemon hears that its descriptors are gone.
    assert_ok(wanted->kind->lock(fd, F_WRLCK, true));
    assert_ok(close(fd));
    keeper_stop(workspace, keeper);
}

static void kill_worker(const struct workspace *workspace, pid_t keeper)
{
    (void)workspace;
    assert_ok(kill(keeper_worker(keeper), SIGKILL));
}

static void upgrade(const struct workspace *workspace, pid_t keeper)
{
    (void)keeper;
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_version(workspace, "next");
}

static void locks_outlive_the_worker(void **state)
{
    for (int i = 0; i < LOCK_KINDS * FILES; i++)
        hand_over_with(workspace_of(state),
                       &(struct wanted){ files[i % FILES], &lock_kinds[i / FILES] }, kill_worker);
}

static void locks_outlive_an_upgrade(void **state)
{
    for (int i = 0; i < FILES; i++)
        hand_over_with(workspace_of(state), &(struct wanted){ files[i], &lock_kinds[i] }, upgrade);
}

static uint64_t milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The lock of another host is one of the store's file that this mount has not taken. */
static void locks_are_those_of_the_store(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    pid_t keeper = start(workspace);

    for (int i = 0; i < LOCK_KINDS; i++) {
        struct wanted wanted = { files[0], &lock_kinds[i] };
        struct coprocess waiter;
        int store = open_file("store/file", O_RDWR);
        struct flock found = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

        assert_ok(lock_kinds[i].lock(store, F_WRLCK, false));
        assert_locked(&wanted);
        int fd = open_file(files[0], O_RDWR);
        assert_ok(fcntl(fd, F_GETLK, &found));
        assert_int_equal(found.l_type, lock_kinds[i].lock == by_flock ? F_UNLCK : F_WRLCK);
        assert_int_equal(coprocess_start(&waiter, take_lock, &wanted), 0);
        await_waiters(workspace, 1);
        uint64_t begin = milliseconds();
        assert_ok(lock_kinds[i].lock(store, F_UNLCK, false));
        assert_true(coprocess_await_turn(&waiter));
        print_message("the waiter had the lock after %d ms\n", (int)(milliseconds() - begin));
        assert_errno(lock_kinds[i].lock(store, F_RDLCK, false), EAGAIN);
        assert_true(coprocess_give_turn(&waiter));
        assert_coprocess_succeeds(&waiter);
        assert_ok(lock_kinds[i].lock(store, F_WRLCK, true));
        assert_ok(close(fd));
        assert_ok(close(store));
    }
    keeper_stop(workspace, keeper);
}

/* Takes the lock once, and ends. */
static int take_lock_and_end(struct coprocess *parent, void *argument)
{
    const struct wanted *wanted = argument;
    int fd = open(wanted->file, O_RDWR | O_CLOEXEC);

    (void)parent;
    coprocess_check(fd >= 0 && wanted->kind->lock(fd, F_WRLCK, true) == 0);
    return 0;
}

/* Far more than the daemon has threads, and all come to their turn. */
static void many_wait_and_others_are_served(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct coprocess *waiters = calloc(MANY, sizeof(*waiters));
    pid_t keeper = start(workspace);

    assert_non_null(waiters);
    for (int i = 0; i < FILES; i++) {
        struct wanted wanted = { files[i], &lock_kinds[1 + i] };
        int fd = open_file(files[i], O_RDWR);

        assert_ok(wanted.kind->lock(fd, F_WRLCK, false));
        for (int at = 0; at < MANY; at++)
            assert_int_equal(coprocess_start(&waiters[at], take_lock_and_end, &wanted), 0);
        await_waiters(workspace, MANY);
        put_file("mnt/other", "contents");
        assert_content("mnt/other", "contents");
        assert_ok(kill(waiters[MANY / 2].pid, SIGKILL));
        assert_int_equal(coprocess_end(&waiters[MANY / 2]), 128 + SIGKILL);
        await_waiters(workspace, MANY - 1);
        assert_ok(wanted.kind->lock(fd, F_UNLCK, false));
        for (int at = 0; at < MANY; at++)
            if (at != MANY / 2)
                assert_coprocess_succeeds(&waiters[at]);
        assert_ok(close(fd));
    }
    free(waiters);
    keeper_stop(workspace, keeper);
}

/* A read lock that came by an open which cannot write becomes a write lock by another. */
static void a_process_has_one_lock_by_all_its_opens(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct coprocess waiter;
    pid_t keeper = start(workspace);

    for (int i = 0; i < FILES; i++) {
        struct wanted wanted = { files[i], &lock_kinds[2] };
        int reader = open_file(files[i], O_RDONLY), writer = open_file(files[i], O_RDWR);

        assert_ok(record_lock(reader, F_SETLK, F_RDLCK, 0, 10));
        assert_ok(record_lock(reader, F_SETLK, F_RDLCK, 20, 10));
        assert_ok(record_lock(writer, F_SETLK, F_WRLCK, 5, 20));
        assert_int_equal(coprocess_start(&waiter, take_lock, &wanted), 0);
        await_waiters(workspace, 1);
        // Any close of the file gives up all of it.
        assert_ok(close(reader));
        assert_true(coprocess_await_turn(&waiter));
        assert_true(coprocess_give_turn(&waiter));
        assert_coprocess_succeeds(&waiter);
        assert_ok(close(writer));
    }
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(locks_outlive_the_worker),
    cmocka_unit_test(locks_outlive_an_upgrade),
    cmocka_unit_test(locks_are_those_of_the_store),
    cmocka_unit_test(many_wait_and_others_are_served),
    cmocka_unit_test(a_process_has_one_lock_by_all_its_opens),
};

WORKSPACE_MAIN("shared_locks", cases)
