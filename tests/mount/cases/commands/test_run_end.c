// SPDX-License-Identifier: BSD-2-Clause
// shmapctl run leaves nothing behind, however it ends; and what may happen to its mount meanwhile.
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first process of the PID namespace inherits what is left: workspace_await_children() sees
 * it. */
static void a_kill_of_the_run_leaves_nothing(void **state)
{
    struct workspace *workspace = begin_run(state);
    // The second of them changes its user, which the kernel takes for a reason to forget.
    const char *scripts[] = { "echo $$; exec cat",
                              "echo $$; exec setpriv --reuid 12345 --clear-groups cat" };

    for (size_t i = 0; i < (workspace->root ? 2 : 1); i++) {
        struct background_run background = start_script(workspace, true, scripts[i]);
        pid_t command = read_pid(&background);
        say(&background, "there\n");
        assert_line(&background, "there");
        assert_ok(kill(background.pid, SIGKILL));
        assert_int_equal(wait_for_process(background.pid), 128 + SIGKILL);
        assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
        assert_errno(kill(command, 0), ESRCH);
        assert_ok(close(background.in));
        assert_ok(close(background.out));
        assert_ok(close(background.err));
        struct program_result result = run_script(workspace, workspace->store, "exit 0");
        assert_ended(&result, 0, "");
    }
}

struct stage {
    pid_t pid;
    int children; // that it is to have at least
};

static bool is_reached(void *argument)
{
    const struct stage *stage = argument;
    pid_t children[CHILDREN_MOST];

    return children_of(stage->pid, children) >= stage->children;
}

/* The run is killed at each stage: before it has children, with the command, the daemon and the
 * guardian. */
static void killed_while_it_starts(void **state)
{
    struct workspace *workspace = begin_run(state);
    static const int numbers[] = { SIGTERM, SIGKILL, SIGINT };

    for (int i = 0; i < 24; i++) {
        int number = numbers[i % 3];
        struct background_run background = start_script(workspace, true, "exec cat");
        struct stage stage = { background.pid, i / 6 };
        assert_true(becomes_true(is_reached, &stage));
        assert_ok(kill(background.pid, number));
        assert_int_equal(wait_for_process(background.pid), 128 + number);
        assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
        char err[1024] = "";
        assert_ok(pread(background.err, err, sizeof(err) - 1, 0));
        assert_string_equal(err, "");
        assert_ok(close(background.in));
        assert_ok(close(background.out));
        assert_ok(close(background.err));
    }
    struct program_result result = run_script(workspace, workspace->store, "exit 0");
    assert_ended(&result, 0, "");
}

static void what_the_command_leaves_running_does_not_hold_it(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run background = start_script(
        workspace, true, "exec 8<&0 3>/dev/shm/held; echo kept >&3; cat <&8 & echo $!; exit 4");
    pid_t left = read_pid(&background);

    // It still reads, and has the object open.
    assert_int_equal(wait_for_process(background.pid), 4);
    assert_ok(kill(left, 0));
    char err[1024] = "", number[32];
    assert_ok(pread(background.err, err, sizeof(err) - 1, 0));
    snprintf(number, sizeof(number), "%d (", (int)left);
    assert_int_equal(strncmp(err, "shmapctl: /dev/shm: ", 20), 0);
    assert_non_null(strstr(err, number));
    assert_ptr_equal(strchr(err, '\n'), err + strlen(err) - 1);
    assert_content("store/held", "kept\n");
    struct program_result result = run_script(workspace, workspace->store, "cat /dev/shm/held");
    assert_ended(&result, 0, "kept\n");
    assert_ok(close(background.in));
    assert_int_equal(workspace_await_children(), 0);
    assert_ok(close(background.out));
    assert_ok(close(background.err));
}

struct worker_replacement {
    const char *mountpoint;
    pid_t worker; // that is not to serve any more
};

static bool is_succeeded(void *argument)
{
    const struct worker_replacement *succession = argument;

    return status_number(succession->mountpoint, "pid") != succession->worker;
}

/* It is seen from outside, too, and outlives its worker. */
static void the_worker_may_die(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run background = start_script(
        workspace, true, "echo text >/dev/shm/object; echo $$; read line; cat /dev/shm/object");
    char mountpoint[64], err[1024];

    snprintf(mountpoint, sizeof(mountpoint), "/proc/%d/root/dev/shm", (int)read_pid(&background));
    pid_t worker = (pid_t)status_number(mountpoint, "pid");
    assert_ok(kill(worker, SIGKILL));
    struct worker_replacement succession = { mountpoint, worker };
    assert_true(becomes_true(is_succeeded, &succession));
    assert_int_equal(status_number(mountpoint, "restarts"), 1);
    say(&background, "line\n");
    assert_line(&background, "text");
    assert_int_equal(end_run(&background, err, sizeof(err)), 0);
    assert_non_null(strstr(err, "another worker takes its place"));
}

/* The run says that what the command shared is gone; the command goes on. */
static void assert_keeper_s_end_is_told(const struct workspace *workspace, int number,
                                        const char *words)
{
    struct background_run background = start_script(workspace, false, "echo $$; read line; exit 9");
    char mountpoint[64], err[1024];

    snprintf(mountpoint, sizeof(mountpoint), "/proc/%d/root/dev/shm", (int)read_pid(&background));
    pid_t keeper = (pid_t)status_number(mountpoint, "keeper");
    // The worker follows its keeper.
    int worker = (int)syscall(SYS_pidfd_open, (pid_t)status_number(mountpoint, "pid"), 0);
    struct pollfd ended = { .fd = worker, .events = POLLIN };
    assert_ok(worker);
    assert_ok(kill(keeper, number));
    assert_int_equal(poll(&ended, 1, WAIT_SECONDS * 1000), 1);
    assert_ok(close(worker));
    assert_true(becomes_true(is_gone, &keeper));
    say(&background, "line\n");
    assert_int_equal(end_run(&background, err, sizeof(err)), 9);
    if (strstr(err, words) == NULL)
        fail_msg("no «%s» in: %s", words, err);
    assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
}

static void the_keeper_may_not(void **state)
{
    struct workspace *workspace = begin_run(state);

    assert_keeper_s_end_is_told(workspace, SIGKILL, "shmapctl: shmapfs was killed by signal 9");
    assert_keeper_s_end_is_told(workspace, SIGTERM, "shmapctl: shmapfs has ended with status 0");
}

struct end {
    pid_t pid;
    int status;
};

/* A signal that comes while the command is ending is the command's: then another one is needed. */
static bool is_terminated(void *argument)
{
    struct end *end = argument;

    kill(end->pid, SIGTERM);
    return waitpid(end->pid, &end->status, WNOHANG) == end->pid;
}

static void a_daemon_that_hangs_does_not_hold_it(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run background = start_script(workspace, true, "echo $$; cat; exit 4");
    struct end end = { .pid = background.pid };
    char mountpoint[64];

    pid_t command = read_pid(&background);
    snprintf(mountpoint, sizeof(mountpoint), "/proc/%d/root/dev/shm", (int)command);
    pid_t worker = (pid_t)status_number(mountpoint, "pid");
    pid_t keeper = (pid_t)status_number(mountpoint, "keeper");
    assert_ok(kill(keeper, SIGSTOP));
    assert_ok(kill(worker, SIGSTOP));
    end_input(&background);
    assert_true(becomes_true(is_gone, &command));
    assert_true(becomes_true(is_terminated, &end));
    assert_true(WIFSIGNALED(end.status));
    assert_int_equal(WTERMSIG(end.status), SIGTERM);
    assert_ok(kill(worker, SIGCONT));
    assert_ok(kill(keeper, SIGCONT));
    assert_int_not_equal(workspace_await_children(), -ETIMEDOUT);
    assert_ok(close(background.out));
    assert_ok(close(background.err));
    struct program_result result = run_script(workspace, workspace->store, "exit 0");
    assert_ended(&result, 0, "");
}

struct sysctl_limit {
    const char *name; // of the sysctl
    unsigned id;      // of the one user of the namespace
};

/* In a namespace of one's own there is a limit to set. */
static int run_without_namespaces(struct coprocess *parent, void *argument)
{
    const struct sysctl_limit *limit = argument;
    char map[64], path[64], remedy[64];

    (void)parent;
    coprocess_check(unshare(CLONE_NEWUSER) == 0);
    snprintf(map, sizeof(map), "%u %u 1", limit->id, limit->id);
    int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
    coprocess_check(write(fd, map, strlen(map)) > 0);
    snprintf(path, sizeof(path), "/proc/sys/user/%s", limit->name);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    coprocess_check(write(fd, "0", 1) == 1);
    struct program_result result = run_program(shmapctl(), "run", "true", NULL);
    snprintf(remedy, sizeof(remedy), "user.%s=", limit->name);
    coprocess_check(result.status == NOT_STARTED);
    coprocess_check(strncmp(result.err, "shmapctl: ", 10) == 0);
    coprocess_check(strstr(result.err, remedy) != NULL);
    return 0;
}

static void forbidden_namespaces_are_told(void **state)
{
    struct workspace *workspace = begin_run(state);
    // Root needs no user namespace.
    struct sysctl_limit limit = { workspace->root ? "max_mnt_namespaces" : "max_user_namespaces",
                                  geteuid() };

    assert_int_equal(coprocess_run(run_without_namespaces, &limit), 0);
}

static void a_run_within_a_run(void **state)
{
    struct workspace *workspace = begin_run(state);
    char script[1024];

    snprintf(script, sizeof(script),
             "echo outer >/dev/shm/object; %s run sh -c 'ls -A /dev/shm; echo inner "
             ">/dev/shm/object; cat /dev/shm/object; exit 8'; echo $?; cat /dev/shm/object",
             shmapctl());
    struct program_result result = run_script(workspace, NULL, script);
    assert_ended(&result, 0, "inner\n8\nouter\n");
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_kill_of_the_run_leaves_nothing),
    cmocka_unit_test(killed_while_it_starts),
    cmocka_unit_test(what_the_command_leaves_running_does_not_hold_it),
    cmocka_unit_test(the_worker_may_die),
    cmocka_unit_test(the_keeper_may_not),
    cmocka_unit_test(a_daemon_that_hangs_does_not_hold_it),
    cmocka_unit_test(forbidden_namespaces_are_told),
    cmocka_unit_test(a_run_within_a_run),
};

RUN_MAIN("run_end", cases, 0)
