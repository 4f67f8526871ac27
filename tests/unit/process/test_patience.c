// SPDX-License-Identifier: BSD-2-Clause
/* How long a process may seem to do nothing. */
#include "tests/unit/unit.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/process/patience.h"

enum { MANY = 1000, MILLISECOND = 1000000 };

/* Starts a process that computes, or waits for ever. */
static pid_t start(bool computes)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        for (;;)
            computes ? sched_yield() : pause();
    }
    return child;
}

static void end(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Returns after how many looks patience ends, or MANY. */
static unsigned looks_until_end(struct patience *patience, pid_t child, enum threads threads)
{
    unsigned looks = 1;

    while (looks < MANY && !patience_ends(patience, child, threads))
        looks++;
    return looks;
}

static void one_that_waits_is_given_up(void **state)
{
    pid_t child = start(false);
    struct patience patience;

    (void)state;
    patience_begin(&patience, 60 * 1000 * (uint64_t)MILLISECOND, child);
    assert_int_equal(looks_until_end(&patience, child, THREADS_WAITING), PATIENCE_LOOKS + 1);
    end(child);
}

/* The child stands for one that would run if it had a processor. */
static void one_without_a_processor_is_not(void **state)
{
    pid_t child = start(false);
    struct patience patience;

    (void)state;
    patience_begin(&patience, 1000 * (uint64_t)MILLISECOND, child);
    assert_int_equal(looks_until_end(&patience, child, THREADS_RUNNABLE), MANY);
    end(child);
}

static void one_that_only_computes_is(void **state)
{
    pid_t child = start(true);
    struct patience patience;

    (void)state;
    patience_begin(&patience, MILLISECOND, child);
    while (!patience_ends(&patience, child, THREADS_RUNNABLE))
        sched_yield();
    end(child);
}

static void one_at_a_disk_or_traced_is_left_alone(void **state)
{
    pid_t child = start(false);
    struct patience patience;

    (void)state;
    patience_begin(&patience, MILLISECOND, child);
    assert_int_equal(looks_until_end(&patience, child, THREADS_AT_DISK), MANY);
    assert_int_equal(looks_until_end(&patience, child, THREADS_TRACED), MANY);
    end(child);
}

static void looks_count_in_a_row(void **state)
{
    pid_t child = start(false);
    struct patience patience;

    (void)state;
    patience_begin(&patience, MILLISECOND, child);
    for (int i = 0; i < PATIENCE_LOOKS; i++)
        assert_false(patience_ends(&patience, child, THREADS_WAITING));
    // A look that tells nothing changes nothing.
    assert_false(patience_ends(&patience, child, THREADS_UNKNOWN));
    assert_false(patience_ends(&patience, child, THREADS_AT_DISK));
    assert_int_equal(looks_until_end(&patience, child, THREADS_WAITING), PATIENCE_LOOKS + 1);
    end(child);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_waits_is_given_up),
        cmocka_unit_test(one_without_a_processor_is_not),
        cmocka_unit_test(one_that_only_computes_is),
        cmocka_unit_test(one_at_a_disk_or_traced_is_left_alone),
        cmocka_unit_test(looks_count_in_a_row),
    };

    return cmocka_run_group_tests_name("patience", tests, NULL, NULL);
}
