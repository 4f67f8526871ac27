// SPDX-License-Identifier: BSD-2-Clause
// flock, and the two kinds of fcntl locks, between processes.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static int record_lock(int fd, int command, short type, off_t start, off_t length)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
    return fcntl(fd, command, &lock);
}

/* The three kinds of lock on the whole file, for what is the same with all of them. */
struct kind {
    int (*lock)(int fd, short type, bool wait);
};

static int by_flock(int fd, short type, bool wait)
{
    int operation = type == F_WRLCK ? LOCK_EX : type == F_RDLCK ? LOCK_SH : LOCK_UN;
    return flock(fd, wait ? operation : operation | LOCK_NB);
}

static int by_posix(int fd, short type, bool wait)
{
    return record_lock(fd, wait ? F_SETLKW : F_SETLK, type, 0, 0);
}

static int by_ofd(int fd, short type, bool wait)
{
    return record_lock(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, type, 0, 0);
}

static const struct kind kinds[] = { { by_flock }, { by_posix }, { by_ofd } };

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static int try_each_type(struct coprocess *parent, void *argument)
{
    const struct kind *kind = argument;
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
    for (int i = 0; i < KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_ok(kinds[i].lock(fd, F_WRLCK, false));
        assert_int_equal(coprocess_start(&coprocess, try_each_type, (void *)(uintptr_t)&kinds[i]),
                         0);
        assert_true(coprocess_await_turn(&coprocess));
        assert_ok(kinds[i].lock(fd, F_RDLCK, false));
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_ok(kinds[i].lock(fd, F_UNLCK, false));
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_errno(kinds[i].lock(fd, F_RDLCK, false), EAGAIN);
        assert_true(coprocess_give_turn(&coprocess));
        assert_coprocess_succeeds(&coprocess);
        // Its exit has given the lock back.
        assert_ok(kinds[i].lock(fd, F_WRLCK, false));
        assert_ok(close(fd));
    }
}

static int hold_until_close(struct coprocess *parent, void *argument)
{
    const struct kind *kind = argument;
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
    for (int i = 0; i < KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_int_equal(
            coprocess_start(&coprocess, hold_until_close, (void *)(uintptr_t)&kinds[i]), 0);
        assert_true(coprocess_await_turn(&coprocess));
        assert_errno(kinds[i].lock(fd, F_WRLCK, false), EAGAIN);
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_ok(kinds[i].lock(fd, F_WRLCK, false));
        assert_ok(kinds[i].lock(fd, F_UNLCK, false));
        assert_true(coprocess_give_turn(&coprocess));
        assert_true(coprocess_await_turn(&coprocess));
        assert_errno(kinds[i].lock(fd, F_WRLCK, false), EAGAIN);
        assert_true(coprocess_give_turn(&coprocess));
        assert_int_equal(coprocess_end(&coprocess), 128 + SIGKILL);
        assert_ok(kinds[i].lock(fd, F_WRLCK, false));
        assert_ok(close(fd));
    }
}

// The kernel's list shows a waiter with an arrow. That one shows up is an event of its own, within
// the coprocess's time.
// The kernel's table is the whole machine's, where other mounts have files of the same number.
static bool someone_waits_for(int fd)
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

static void await_waiter(int fd)
{
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        if (someone_waits_for(fd))
            return;
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < COPROCESS_SECONDS);
    fail_msg("nobody waits for the lock");
}

static int wait_for_lock(struct coprocess *parent, void *argument)
{
    const struct kind *kind = argument;
    int fd = open("file", O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0);
    coprocess_check(kind->lock(fd, F_WRLCK, true) == 0);
    coprocess_check(coprocess_give_turn(parent));
    return 0;
}

static void waiter_gets_the_lock(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_ok(kinds[i].lock(fd, F_WRLCK, false));
        assert_int_equal(coprocess_start(&coprocess, wait_for_lock, (void *)(uintptr_t)&kinds[i]),
                         0);
        await_waiter(fd);
        // The file works meanwhile, for this process and by other opens.
        assert_int_equal(pwrite(fd, "meanwhile", 9, 0), 9);
        assert_int_equal(stat_of("file").st_size, 9);
        assert_ok(link("file", "link"));
        assert_ok(unlink("link"));
        assert_ok(kinds[i].lock(fd, F_UNLCK, false));
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
    const struct kind *kind = argument;
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
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_ok(kinds[i].lock(fd, F_WRLCK, false));
        assert_int_equal(
            coprocess_start(&coprocess, wait_and_be_interrupted, (void *)(uintptr_t)&kinds[i]), 0);
        assert_true(coprocess_await_turn(&coprocess));
        await_waiter(fd);
        assert_ok(kill(coprocess.pid, SIGUSR1));
        assert_true(coprocess_await_turn(&coprocess));
        assert_false(someone_waits_for(fd));
        assert_true(coprocess_give_turn(&coprocess));
        assert_coprocess_succeeds(&coprocess);
        assert_ok(close(fd));
    }
}

static void signal_kills_a_waiter(void **state)
{
    (void)state;
    for (int i = 0; i < KINDS; i++) {
        struct coprocess coprocess;
        put_file("file", "");
        int fd = open_file("file", O_RDWR);
        assert_ok(kinds[i].lock(fd, F_WRLCK, false));
        assert_int_equal(coprocess_start(&coprocess, wait_for_lock, (void *)(uintptr_t)&kinds[i]),
                         0);
        await_waiter(fd);
        assert_ok(kill(coprocess.pid, SIGTERM));
        assert_int_equal(coprocess_end(&coprocess), 128 + SIGTERM);
        assert_ok(kinds[i].lock(fd, F_UNLCK, false));
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
    (void)state;
    struct coprocess coprocess;
    put_file("file", "");
    int fd = open_file("file", O_RDWR);
    assert_ok(record_lock(fd, F_SETLK, F_WRLCK, 0, 1));
    assert_int_equal(coprocess_start(&coprocess, lock_second_then_first, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    await_waiter(fd);
    assert_errno(record_lock(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
    assert_ok(record_lock(fd, F_SETLK, F_UNLCK, 0, 1));
    assert_coprocess_succeeds(&coprocess);
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
    cmocka_unit_test(waiter_gets_the_lock),
    cmocka_unit_test(signal_interrupts_a_waiter),
    cmocka_unit_test(signal_kills_a_waiter),
    cmocka_unit_test(flock_belongs_to_the_open_file),
    cmocka_unit_test(posix_locks_belong_to_the_process),
    cmocka_unit_test(ofd_locks_belong_to_the_open_file),
    cmocka_unit_test(ranges),
    cmocka_unit_test(deadlock_is_detected),
    cmocka_unit_test(locks_are_on_the_inode),
};

HARNESS_MAIN("locks", cases)
