// SPDX-License-Identifier: BSD-2-Clause
// The guardian of shmapctl run: what it is needed for, and what it is not.
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/keeper/process.h"

#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct guard {
    pid_t run;
    pid_t pid;
};

static bool is_found(void *argument)
{
    struct guard *guard = argument;
    pid_t children[CHILDREN_MOST];
    int count = children_of(guard->run, children);

    for (int i = 0; guard->pid == 0 && i < count; i++)
        if (has_name(children[i], "shmapfs-guard"))
            guard->pid = children[i];
    return guard->pid != 0;
}

/* Forks a child that waits for a signal, with that number. Returns whether no other process has it. */
static bool fork_as(pid_t wanted)
{
    struct clone_args arguments = { .exit_signal = SIGCHLD,
                                    .set_tid = (uint64_t)(uintptr_t)&wanted,
                                    .set_tid_size = 1 };

    fflush(NULL);
    pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (child == 0) {
        // The command's input is to end.
        close_range(STDERR_FILENO + 1, ~0U, 0);
        pause();
        _exit(0);
    }
    assert_true(child == wanted || errno == EEXIST);
    return child == wanted;
}

/* Starts a run, and has another process have the number of its guardian, which was killed. Returns
 * that number, or 0 if another process of the machine had it already. */
static pid_t start_without_guardian(const struct workspace *workspace,
                                    struct background_run *background)
{
    *background = start_script(workspace, false, "echo $$; cat; exit 2");
    struct guard guard = { .run = background->pid };

    read_pid(background);
    assert_true(becomes_true(is_found, &guard));
    assert_ok(kill(guard.pid, SIGKILL));
    assert_true(becomes_true(is_gone, &guard.pid));
    return fork_as(guard.pid) ? guard.pid : 0;
}

/* Another process may have its number when the run ends. */
static void the_guardian_may_die(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run background;
    pid_t other;

    for (int tries = 0; (other = start_without_guardian(workspace, &background)) == 0; tries++) {
        assert_true(tries < 20);
        end_input(&background);
        assert_run_ends(&background, 2);
    }
    end_input(&background);
    assert_run_ends(&background, 2);
    assert_int_equal(waitpid(other, NULL, WNOHANG), 0);
    assert_ok(kill(other, SIGKILL));
    assert_int_equal(wait_for_process(other), 128 + SIGKILL);
}

/* Then nobody is left who could end the daemon; also one that has changed its binary. */
static void a_kill_of_the_run_and_its_guardian_leaves_nothing(void **state)
{
    struct workspace *workspace = begin_run(state);
    char mountpoint[64];

    for (int i = 0; i < 2; i++) {
        struct background_run background = start_script(workspace, true, "echo $$; exec cat");
        struct guard guard = { .run = background.pid };
        pid_t command = read_pid(&background);
        snprintf(mountpoint, sizeof(mountpoint), "/proc/%d/root/dev/shm", (int)command);
        pid_t keeper = (pid_t)status_number(mountpoint, "keeper");
        if (i == 1) {
            struct program_result result = run_program(shmapctl(), "upgrade", mountpoint, NULL);
            assert_done(&result);
            assert_int_equal(status_number(mountpoint, "keeper"), keeper);
            assert_int_equal(status_number(mountpoint, "upgrades"), 1);
        }
        assert_true(becomes_true(is_found, &guard));
        assert_ok(kill(guard.pid, SIGKILL));
        assert_true(becomes_true(is_gone, &guard.pid));
        assert_ok(kill(background.pid, SIGKILL));
        assert_int_equal(wait_for_process(background.pid), 128 + SIGKILL);
        assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
        assert_errno(kill(command, 0), ESRCH);
        assert_errno(kill(keeper, 0), ESRCH);
        assert_ok(close(background.in));
        assert_ok(close(background.out));
        assert_ok(close(background.err));
    }
    struct program_result result = run_script(workspace, workspace->store, "exit 0");
    assert_ended(&result, 0, "");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_kill_of_the_run_and_its_guardian_leaves_nothing),
    cmocka_unit_test(the_guardian_may_die), // and another process gets its number, from root
};

RUN_MAIN("run_guardian", cases, 1)
