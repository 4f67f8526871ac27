// SPDX-License-Identifier: BSD-2-Clause
/* Locks that somebody waits for: they come, a signal ends the wait, a deadlock is detected. */
#include "tests/mount/cases/locks/lock_kinds.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lib/api/shmap.h"

// The kernel's list shows a waiter with an arrow. That one shows up is an event of its own, within
// the coprocess's time.
// The kernel's table is the whole machine's, where other mounts have files of the same number.
static bool is_listed(int fd)
{
    struct stat attr = fstat_of(fd);
    char line[256], file[64];
    bool found = false;
    FILE *locks = fopen("/proc/locks", "re");
    assert_non_null(locks);
    snprintf(file, sizeof(file), " %02x:%02x:%llu ", major(attr.st_dev), minor(attr.st_dev),
             (unsigned long long)attr.st_ino);
    while (!found && fgets(line, sizeof(line), locks) != NULL)
        found = strstr(line, "->") != NULL && strstr(line, file) != NULL;
    fclose(locks);
    return found;
}

// Where locks are forwarded, the daemon has those who wait.
static bool someone_waits_for(void **state, int fd)
{
    static struct shmap_status status;
    return (shmap_status_get(fixture_of(state)->mnt, &status) == 0 && status.lock_waiters > 0) ||
           is_listed(fd);
}

static void await_waiter(void **state, int fd)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (someone_waits_for(state, fd))
            return;
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < WAIT_SECONDS);
    fail_msg("nobody waits for the lock");
}

static int wait_for_lock(struct coprocess *parent, void *argument)
{
    const struct lock_kind *kind = argument;
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    coprocess_check(kind->lock(fd, F_WRLCK, true) == 0);
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void waiter_gets_the_lock(void **state)
{
    for (int i = 0; i < LOCK_KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_ok(lock_kinds[i].lock(fd, F_WRLCK, false));
        assert_int_equal(
            coprocess_start(&coprocess, wait_for_lock, (void *)(uintptr_t)&lock_kinds[i]), 0);
        await_waiter(state, fd);
        // The file works meanwhile, for this process and by other opens.
        assert_int_equal(pwrite(fd, "meanwhile", 9, 0), 9);
        assert_int_equal(stat_of("file").st_size, 9);
        assert_ok(link("file", "link"));
        assert_ok(unlink("link"));
        assert_ok(lock_kinds[i].lock(fd, F_UNLCK, false));
        assert_true(coprocess_await_turn(&coprocess));
        assert_coprocess_succeeds(&coprocess);
        assert_ok(close(fd));
    }
}

static void on_signal(int signal)
{
    (void)signal;
}

static int wait_and_be_interrupted(struct coprocess *parent, void *argument)
{
    const struct lock_kind *kind = argument;
    const struct sigaction action = { .sa_handler = on_signal };
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(kind->lock(fd, F_WRLCK, true) == -1 && errno == EINTR);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

static void signal_interrupts_a_waiter(void **state)
{
    for (int i = 0; i < LOCK_KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_ok(lock_kinds[i].lock(fd, F_WRLCK, false));
        assert_int_equal(
            coprocess_start(&coprocess, wait_and_be_interrupted, (void *)(uintptr_t)&lock_kinds[i]),
            0);
        assert_true(coprocess_await_turn(&coprocess));
        await_waiter(state, fd);
        assert_ok(kill(coprocess.pid, SIGUSR1));
        assert_true(coprocess_await_turn(&coprocess));
        assert_false(someone_waits_for(state, fd));
        assert_true(coprocess_give_turn(&coprocess));
        assert_coprocess_succeeds(&coprocess);
        assert_ok(close(fd));
    }
}

static void signal_kills_a_waiter(void **state)
{
    for (int i = 0; i < LOCK_KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_ok(lock_kinds[i].lock(fd, F_WRLCK, false));
        assert_int_equal(
            coprocess_start(&coprocess, wait_for_lock, (void *)(uintptr_t)&lock_kinds[i]), 0);
        await_waiter(state, fd);
        assert_ok(kill(coprocess.pid, SIGTERM));
        assert_int_equal(coprocess_end(&coprocess), 128 + SIGTERM);
        assert_ok(lock_kinds[i].lock(fd, F_UNLCK, false));
        assert_ok(close(fd));
    }
}

static int lock_second_then_first(struct coprocess *parent, void *argument)
{
    int fd = open("file", O_RDWR | O_CLOEXEC);
    (void)argument;
    coprocess_check(fd >= 0 && record_lock(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(record_lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0);
    return 0;
}

static void deadlock_is_detected(void **state)
{
    struct coprocess coprocess;
    put_file("file", "");
    int fd = open_file("file", O_RDWR);
    assert_ok(record_lock(fd, F_SETLK, F_WRLCK, 0, 1));
    assert_int_equal(coprocess_start(&coprocess, lock_second_then_first, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    await_waiter(state, fd);
    assert_errno(record_lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
    assert_ok(record_lock(fd, F_SETLK, F_UNLCK, 0, 1));
    assert_coprocess_succeeds(&coprocess);
    assert_ok(close(fd));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(waiter_gets_the_lock),
    cmocka_unit_test(signal_interrupts_a_waiter),
    cmocka_unit_test(signal_kills_a_waiter),
    cmocka_unit_test(deadlock_is_detected),
};

HARNESS_MAIN("lock_waiting", cases)
