// SPDX-License-Identifier: BSD-2-Clause
/* The check of the order in which a thread takes locks; it is compiled in here whatever the build. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/util/lock.h"

struct locks {
    struct lock low, low_too, high;
};

static struct locks make_locks(void)
{
    struct locks locks;

    lock_init(&locks.low, LOCK_STRIPE);
    lock_init(&locks.low_too, LOCK_STRIPE);
    lock_init(&locks.high, LOCK_NODES);
    return locks;
}

/* Runs in a child, which says nothing to the terminal when it aborts. */
static bool aborts(void (*take)(struct locks *locks))
{
    struct locks locks = make_locks();
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        dup2(null, STDERR_FILENO);
        take(&locks);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGABRT);
    return WIFSIGNALED(status);
}

static void take_in_order(struct locks *locks)
{
    for (int i = 0; i < 2; i++) {
        lock_take(&locks->low);
        lock_take(&locks->high);
        lock_release(&locks->high);
        lock_release(&locks->low);
    }
}

static void take_out_of_order(struct locks *locks)
{
    lock_take(&locks->high);
    lock_take(&locks->low);
}

static void take_two_of_a_rank(struct locks *locks)
{
    lock_take(&locks->low);
    lock_take(&locks->low_too);
}

static void try_out_of_order(struct locks *locks)
{
    lock_take(&locks->high);
    if (!lock_try(&locks->low))
        abort();
    lock_release(&locks->low);
    lock_release(&locks->high);
    take_in_order(locks);
}

static void take_above_a_tried_one(struct locks *locks)
{
    if (lock_try(&locks->high))
        lock_take(&locks->low);
}

static void release_what_is_not_held(struct locks *locks)
{
    lock_note_released(locks->low.rank);
}

static void locks_in_order_are_taken(void **state)
{
    (void)state;
    assert_false(aborts(take_in_order));
}

static void locks_out_of_order_abort(void **state)
{
    (void)state;
    assert_true(aborts(take_out_of_order));
    assert_true(aborts(take_two_of_a_rank));
    assert_true(aborts(take_above_a_tried_one));
}

/* A thread that only tries never waits. */
static void a_lock_may_be_tried_out_of_order(void **state)
{
    (void)state;
    assert_false(aborts(try_out_of_order));
}

static void releasing_what_is_not_held_aborts(void **state)
{
    (void)state;
    assert_true(aborts(release_what_is_not_held));
}

int main(void)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(locks_in_order_are_taken),
        cmocka_unit_test(locks_out_of_order_abort),
        cmocka_unit_test(a_lock_may_be_tried_out_of_order),
        cmocka_unit_test(releasing_what_is_not_held_aborts),
    };

    return cmocka_run_group_tests(cases, NULL, NULL);
}
