// SPDX-License-Identifier: BSD-2-Clause
/* The children of a keeper, which share its descriptors. */
#include "tests/unit/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/process/children.h"

enum { DESCRIPTORS = 64, TRIES = 60 };

static void block_ends_of_children(void)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGCHLD);
    EXPECT(sigprocmask(SIG_BLOCK, &ends, NULL) == 0);
}

static void take_all_descriptors(void)
{
    const struct rlimit limit = { DESCRIPTORS, DESCRIPTORS };

    EXPECT(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (dup(STDERR_FILENO) >= 0)
        ;
    EXPECT(errno == EMFILE);
}

static pid_t start_worker(void)
{
    pid_t worker = fork();

    EXPECT(worker >= 0);
    if (worker == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
    }
    return worker;
}

static void inspect(void *unused)
{
    enum threads threads = THREADS_UNKNOWN;

    (void)unused;
    block_ends_of_children();
    pid_t worker = start_worker();
    take_all_descriptors();
    // On a busy machine one may take too long.
    for (int i = 0; threads == THREADS_UNKNOWN && i < TRIES; i++)
        threads = children_inspect(worker);
    EXPECT(threads == THREADS_WAITING || threads == THREADS_RUNNABLE);
    // It is not the inspection's to reap.
    EXPECT(kill(worker, SIGKILL) == 0);
    EXPECT(waitpid(worker, NULL, 0) == worker);
}

/* A worker that recovers would close it, and then the keeper what has its number next. */
static void an_inspection_takes_no_descriptor(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(inspect, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inspection_takes_no_descriptor),
    };

    return cmocka_run_group_tests_name("children", tests, NULL, NULL);
}
