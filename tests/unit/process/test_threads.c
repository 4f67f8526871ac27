// SPDX-License-Identifier: BSD-2-Clause
/* The states and rights of the threads of a process. */
#include "tests/unit/unit.h"

#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/process/threads.h"

enum { WAIT_SECONDS = 60 };

static void be_stopped(void)
{
    raise(SIGSTOP);
}

static void be_waiting(void)
{
    pause();
}

static void be_running(void)
{
    for (;;)
        sched_yield();
}

/* The parent of a vfork(2) waits as for a disk. */
static void be_at_disk(void)
{
    pid_t child = vfork();

    if (child == 0) {
        // Ends with its parent, or when nobody waits any more.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(WAIT_SECONDS);
        pause();
    }
    _exit(0);
}

static void be_traced(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
}

/* A child comes to be at this, and until its end at nothing else. */
static void assert_comes_to(void (*be)(void), enum threads expected)
{
    struct timespec start, now;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        be();
        _exit(0);
    }
    clock_gettime(CLOCK_MONOTONIC, &start);
    while (threads_of(child) != expected) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec > WAIT_SECONDS)
            fail_msg("%d, not %d", (int)threads_of(child), (int)expected);
        sched_yield();
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    while (waitpid(child, NULL, 0) != child)
        ;
}

static void a_process_is_at_something(void **state)
{
    (void)state;
    assert_comes_to(be_stopped, THREADS_WAITING);
    assert_comes_to(be_waiting, THREADS_WAITING);
    assert_comes_to(be_running, THREADS_RUNNABLE);
    assert_comes_to(be_at_disk, THREADS_AT_DISK);
    assert_comes_to(be_traced, THREADS_TRACED);
}

static void a_process_that_is_gone_is_at_nothing(void **state)
{
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(threads_of(child), THREADS_UNKNOWN);
}

/* Returns 0 if this process is told what capabilities it has, and that it gives one up. */
static int be_without_fsetid(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct half[2];

    if (syscall(SYS_capget, &header, half) != 0)
        return 1;
    for (unsigned number = 0; number <= CAP_LAST_CAP; number++) {
        bool has = half[CAP_TO_INDEX(number)].effective & CAP_TO_MASK(number);

        if (thread_has_capability(getpid(), number, !has) != has)
            return 2;
    }
    half[CAP_TO_INDEX(CAP_FSETID)].effective &= ~CAP_TO_MASK(CAP_FSETID);
    if (syscall(SYS_capset, &header, half) != 0)
        return 3;
    return thread_has_capability(getpid(), CAP_FSETID, true) ? 4 : 0;
}

static void a_thread_has_capabilities(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(be_without_fsetid());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(thread_has_capability(child, CAP_FSETID, true));
    assert_false(thread_has_capability(child, CAP_FSETID, false));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_at_something),
        cmocka_unit_test(a_process_that_is_gone_is_at_nothing),
        cmocka_unit_test(a_thread_has_capabilities),
    };

    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
