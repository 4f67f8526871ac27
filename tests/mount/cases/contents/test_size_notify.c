// SPDX-License-Identifier: BSD-2-Clause
/*
 * A file that grows while another process looks at it: the size that one sees there is one that it
 * can use. The process that makes the file grow hardly gets a processor meanwhile, so that the
 * other sees the change long before the call that made it has returned.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 64 << 10, ROUNDS = 10 };

struct growth {
    const char *name;
    int (*grow)(int fd);
};

static int by_truncate(int fd)
{
    return ftruncate(fd, SIZE);
}

static int by_allocate(int fd)
{
    return fallocate(fd, 0, 0, SIZE);
}

static void stay_on_one_processor(void)
{
    cpu_set_t all, one;

    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof(all), &all) != 0)
        return;
    for (int i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &all)) {
            CPU_SET(i, &one);
            sched_setaffinity(0, sizeof(one), &one);
            return;
        }
    }
}

static pid_t start_neighbour(void)
{
    pid_t parent = getpid(), pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    stay_on_one_processor();
    for (volatile unsigned long work = 0;; work = work + 1)
        ;
}

static int grow_slowly(struct coprocess *parent, void *argument)
{
    const struct growth *growth = argument;
    const struct sched_param none = { 0 };
    int fd = open(growth->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    coprocess_check(fd >= 0);
    coprocess_check(coprocess_give_turn(parent));
    stay_on_one_processor();
    coprocess_check(sched_setscheduler(0, SCHED_IDLE, &none) == 0);
    coprocess_check(growth->grow(fd) == 0);
    coprocess_check(coprocess_await_turn(parent));
    return 0;
}

static bool is_over(const struct timespec *start)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - start->tv_sec > WAIT_SECONDS;
}

/* Each look is at the file itself, as the first one after a change of the mode is. */
static int use_what_is_seen(struct coprocess *parent, void *argument)
{
    const struct growth *growth = argument;
    int fd = open(growth->name, O_RDWR | O_CLOEXEC);
    struct statx attributes = { 0 };
    struct timespec start;

    (void)parent;
    coprocess_check(fd >= 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (attributes.stx_size == 0) {
        coprocess_check(!is_over(&start));
        coprocess_check(
            statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE, &attributes) == 0);
    }
    coprocess_check(attributes.stx_size == SIZE);
    char *mapping = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(mapping != MAP_FAILED);
    memcpy(mapping + SIZE - 4, "last", 4);
    memcpy(mapping, "first", 5);
    return 0;
}

static void check_growth(const char *name, int (*grow)(int fd))
{
    struct growth growth = { name, grow };
    pid_t neighbour = start_neighbour();
    struct timespec start;
    char text[5] = "";

    clock_gettime(CLOCK_MONOTONIC, &start);
    // Where many more want the processor, one round takes a minute.
    for (int i = 0; i < ROUNDS && !is_over(&start); i++) {
        struct coprocess grower;
        assert_ok(coprocess_start(&grower, grow_slowly, &growth));
        assert_true(coprocess_await_turn(&grower));
        assert_int_equal(coprocess_run(use_what_is_seen, &growth), 0);
        assert_true(coprocess_give_turn(&grower));
        assert_coprocess_succeeds(&grower);
        // The return of the growing call does not lose what was written through a mapping before.
        int fd = open_file(name, O_RDONLY);
        assert_int_equal(pread(fd, text, 5, 0), 5);
        assert_memory_equal(text, "first", 5);
        assert_int_equal(pread(fd, text, 4, SIZE - 4), 4);
        assert_memory_equal(text, "last", 4);
        assert_ok(close(fd));
        assert_ok(unlink(name));
    }
    kill(neighbour, SIGKILL);
    waitpid(neighbour, NULL, 0);
}

static void a_truncated_file_can_be_used(void **state)
{
    (void)state;
    check_growth("truncated", by_truncate);
}

static void an_allocated_file_can_be_used(void **state)
{
    (void)state;
    check_growth("allocated", by_allocate);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_truncated_file_can_be_used),
    cmocka_unit_test(an_allocated_file_can_be_used),
};

HARNESS_MAIN("size_notify", cases)
