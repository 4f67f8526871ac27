// SPDX-License-Identifier: BSD-2-Clause
/* flock, fcntl and OFD locks: what they exclude, and whom they belong to. */
#include "tests/mount/cases/locks/lock_kinds.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static int try_each_type(struct coprocess *parent, void *argument)
{
    const struct lock_kind *kind = argument;
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    // The case holds an exclusive lock, then a shared one, then none.
    coprocess_check(kind->lock(fd, F_WRLCK, false) == -1 && errno == EAGAIN);
    coprocess_check(kind->lock(fd, F_RDLCK, false) == -1 && errno == EAGAIN);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(kind->lock(fd, F_WRLCK, false) == -1 && errno == EAGAIN);
    coprocess_check(kind->lock(fd, F_RDLCK, false) == 0);
    coprocess_check(kind->lock(fd, F_UNLCK, false) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(kind->lock(fd, F_WRLCK, false) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

static void exclusive_and_shared(void **state)
{
    (void)state;
    for (int i = 0; i < LOCK_KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_ok(lock_kinds[i].lock(fd, F_WRLCK, false));
        assert_int_equal(
            coprocess_start(&coprocess, try_each_type, (void *)(uintptr_t)&lock_kinds[i]), 0);
        assert_true(coprocess_await_turn(&coprocess));
        assert_ok(lock_kinds[i].lock(fd, F_RDLCK, false));
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_ok(lock_kinds[i].lock(fd, F_UNLCK, false));
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_errno(lock_kinds[i].lock(fd, F_RDLCK, false), EAGAIN);
        assert_true(coprocess_give_turn(&coprocess));
        assert_coprocess_succeeds(&coprocess);
        // Its exit has given the lock back.
        assert_ok(lock_kinds[i].lock(fd, F_WRLCK, false));
        assert_ok(close(fd));
    }
}

static int hold_until_close(struct coprocess *parent, void *argument)
{
    const struct lock_kind *kind = argument;
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0 && kind->lock(fd, F_WRLCK, false) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(close(fd) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0 && kind->lock(fd, F_WRLCK, true) == 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    raise(SIGKILL);
    return 0;
}

static void close_and_death_release(void **state)
{
    (void)state;
    for (int i = 0; i < LOCK_KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_int_equal(
            coprocess_start(&coprocess, hold_until_close, (void *)(uintptr_t)&lock_kinds[i]), 0);
        assert_true(coprocess_await_turn(&coprocess));
        assert_errno(lock_kinds[i].lock(fd, F_WRLCK, false), EAGAIN);
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_ok(lock_kinds[i].lock(fd, F_WRLCK, false));
        assert_ok(lock_kinds[i].lock(fd, F_UNLCK, false));
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_errno(lock_kinds[i].lock(fd, F_WRLCK, false), EAGAIN);
        assert_true(coprocess_give_turn(&coprocess));
        assert_int_equal(coprocess_end(&coprocess), 128 + SIGKILL);
        assert_ok(lock_kinds[i].lock(fd, F_WRLCK, false));
        assert_ok(close(fd));
    }
}

static void flock_belongs_to_the_open_file(void **state)
{
    (void)state;
    put_file("file", "");
    int one = open_file("file", O_RDONLY), two = open_file("file", O_RDONLY), copy = dup(one);
    assert_ok(flock(one, LOCK_EX));
    assert_errno(flock(two, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(flock(copy, LOCK_EX | LOCK_NB));
    assert_ok(close(one));
    assert_errno(flock(two, LOCK_SH | LOCK_NB), EWOULDBLOCK);
    assert_ok(close(copy));
    assert_ok(flock(two, LOCK_EX | LOCK_NB));
    // The two families do not see each other on a local file.
    int three = open_file("file", O_RDWR);
    assert_ok(by_posix(three, F_WRLCK, false));
    assert_ok(close(two));
    assert_ok(close(three));
}

static void posix_locks_belong_to_the_process(void **state)
{
    (void)state;
    put_file("file", "");
    int one = open_file("file", O_RDWR), two = open_file("file", O_RDWR);
    assert_ok(by_posix(one, F_WRLCK, false));
    assert_ok(by_posix(two, F_WRLCK, false));
    assert_errno(by_ofd(two, F_WRLCK, false), EAGAIN);
    // Closing any descriptor of the file drops them.
    assert_ok(close(two));
    int three = open_file("file", O_RDWR);
    assert_ok(by_ofd(three, F_WRLCK, false));
    assert_ok(close(one));
    int reader = open_file("file", O_RDONLY);
    assert_errno(by_posix(reader, F_WRLCK, false), EBADF);
    assert_ok(close(three));
    assert_ok(by_posix(reader, F_RDLCK, false));
    assert_ok(close(reader));
}

static void ofd_locks_belong_to_the_open_file(void **state)
{
    (void)state;
    put_file("file", "");
    int one = open_file("file", O_RDWR), two = open_file("file", O_RDWR), copy = dup(one);
    assert_ok(by_ofd(one, F_WRLCK, false));
    assert_errno(by_ofd(two, F_WRLCK, false), EAGAIN);
    assert_ok(by_ofd(copy, F_WRLCK, false));
    assert_ok(close(open_file("file", O_RDWR)));
    assert_errno(by_ofd(two, F_WRLCK, false), EAGAIN);
    assert_ok(close(one));
    assert_errno(by_ofd(two, F_RDLCK, false), EAGAIN);
    assert_ok(close(copy));
    assert_ok(by_ofd(two, F_WRLCK, false));
    assert_ok(close(two));
}

static int look_at_ranges(struct coprocess *parent, void *argument)
{
    (void)parent;
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    // The case holds [10, 20) for writing and [30, end) for reading.
    coprocess_check(record_lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
    coprocess_check(record_lock(fd, F_SETLK, F_WRLCK, 20, 10) == 0);
    coprocess_check(record_lock(fd, F_SETLK, F_RDLCK, 19, 1) == -1 && errno == EAGAIN);
    coprocess_check(record_lock(fd, F_SETLK, F_RDLCK, 1 << 20, 1) == 0);
    coprocess_check(record_lock(fd, F_SETLK, F_WRLCK, 1 << 20, 1) == -1 && errno == EAGAIN);
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10 };
    coprocess_check(fcntl(fd, F_GETLK, &lock) == 0);
    coprocess_check(lock.l_type == F_WRLCK && lock.l_start == 10 && lock.l_len == 10);
    coprocess_check(lock.l_pid == *(pid_t *)argument);
    lock = (struct flock){ .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 50, .l_len = 10 };
    coprocess_check(fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK);
    return 0;
}

static void ranges(void **state)
{
    (void)state;
    pid_t self = getpid();
    put_file("file", "");
    int fd = open_file("file", O_RDWR);
    assert_ok(record_lock(fd, F_SETLK, F_WRLCK, 5, 20));
    assert_ok(record_lock(fd, F_SETLK, F_UNLCK, 5, 5));
    assert_ok(record_lock(fd, F_SETLK, F_UNLCK, 20, 5));
    assert_ok(record_lock(fd, F_SETLK, F_RDLCK, 30, 0));
    assert_int_equal(coprocess_run(look_at_ranges, &self), 0);
    assert_ok(close(fd));
}

static int expect_conflict(struct coprocess *parent, void *argument)
{
    (void)parent;
    int fd = open(argument, O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    coprocess_check(flock(fd, LOCK_EX | LOCK_NB) == -1 && errno == EWOULDBLOCK);
    coprocess_check(by_posix(fd, F_WRLCK, false) == -1 && errno == EAGAIN);
    return 0;
}

// A lock is on the inode: it goes with every name, and a directory has one too.
static void locks_are_on_the_inode(void **state)
{
    (void)state;
    put_file("file", "");
    assert_ok(link("file", "link"));
    int fd = open_file("file", O_RDWR);
    assert_ok(flock(fd, LOCK_EX));
    assert_ok(by_posix(fd, F_WRLCK, false));
    assert_int_equal(coprocess_run(expect_conflict, (char *)"link"), 0);
    assert_ok(rename("file", "moved"));
    assert_int_equal(coprocess_run(expect_conflict, (char *)"moved"), 0);
    assert_ok(unlink("moved"));
    assert_int_equal(coprocess_run(expect_conflict, (char *)"link"), 0);
    assert_ok(close(fd));

    assert_ok(mkdir("directory", 0755));
    int one = open_file("directory", O_RDONLY), two = open_file("directory", O_RDONLY);
    assert_ok(flock(one, LOCK_EX));
    assert_errno(flock(two, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(close(one));
    assert_ok(close(two));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(exclusive_and_shared),
    cmocka_unit_test(close_and_death_release),
    cmocka_unit_test(flock_belongs_to_the_open_file),
    cmocka_unit_test(posix_locks_belong_to_the_process),
    cmocka_unit_test(ofd_locks_belong_to_the_open_file),
    cmocka_unit_test(ranges),
    cmocka_unit_test(locks_are_on_the_inode),
};

HARNESS_MAIN("locks", cases)
