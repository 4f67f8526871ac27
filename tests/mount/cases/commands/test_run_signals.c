// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl run: signals and keys reach the command, once, and do not come back from it. */
#include "tests/mount/cases/commands/shmapctl_run.h"
#include "tests/mount/harness/coprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void signals_reach_the_command(void **state)
{
    struct workspace *workspace = begin_run(state);
    static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGQUIT, SIGALRM };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct background_run background =
            start_script(workspace, false, "ulimit -c 0; echo $$; exec cat");
        read_pid(&background);
        assert_ok(kill(background.pid, numbers[i]));
        assert_run_ends(&background, 128 + numbers[i]);
    }
    // One that comes to the command itself.
    struct background_run background = start_script(workspace, false, "echo $$; exec cat");
    assert_ok(kill(read_pid(&background), SIGKILL));
    assert_run_ends(&background, 128 + SIGKILL);
    assert_int_equal(workspace_await_children(), 0);
}

static void values_of_signals_reach_the_command(void **state)
{
    begin_run(state);
    struct background_run background = start_role("value");

    assert_ok(sigqueue(background.pid, SIGRTMIN + 3, (union sigval){ .sival_int = 77 }));
    assert_line(&background, "1 77");
    assert_run_ends(&background, 0);
}

/* A signal that the command sends to its parent does not come back: the lower number would come
 * first. */
static void signals_of_the_command_do_not_come_back(void **state)
{
    begin_run(state);
    struct background_run background = start_role("first_signal");

    assert_ok(kill(background.pid, SIGTERM));
    assert_run_ends(&background, SIGTERM);
}

static void assert_stops(pid_t pid)
{
    const struct timespec limit = { .tv_sec = WAIT_SECONDS };
    sigset_t changed;
    int status = 0;

    // Blocked since the start: no change can fall between the look and the wait.
    sigemptyset(&changed);
    sigaddset(&changed, SIGCHLD);
    while (waitpid(pid, &status, WNOHANG | WUNTRACED) == 0)
        if (sigtimedwait(&changed, NULL, &limit) == -1 && errno == EAGAIN)
            fail_msg("it does not stop");
    assert_true(WIFSTOPPED(status));
}

static void stops_and_continues_with_the_command(void **state)
{
    struct workspace *workspace = begin_run(state);
    struct background_run background =
        start_script(workspace, false, "kill -STOP $$; echo on; read line; exit 3");

    assert_stops(background.pid);
    assert_ok(kill(background.pid, SIGCONT));
    assert_line(&background, "on");
    // And by a signal that it was handed.
    assert_ok(kill(background.pid, SIGTSTP));
    assert_stops(background.pid);
    assert_ok(kill(background.pid, SIGCONT));
    say(&background, "go on\n");
    assert_run_ends(&background, 3);
}

/* In the child of the next case: a job at a terminal. */
static _Noreturn void become_job(const char *terminal, const char *program)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    int fd = open(terminal, O_RDWR);
    ioctl(fd, TIOCSCTTY, 0);
    for (int stream = 0; stream < 3; stream++)
        dup2(fd, stream);
    execl(shmapctl(), "shmapctl", "run", program, COMMAND_ROLE, "key", NULL);
    _exit(NOT_FOUND);
}

static void read_until(int fd, const char *word)
{
    char line[256];

    do {
        read_line(fd, line, sizeof(line));
        assert_int_not_equal(line[0], '\0');
    } while (strstr(line, word) == NULL);
}

static void a_key_of_the_terminal_is_one_signal(void **state)
{
    begin_run(state);
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    char *self = own_path();

    assert_ok(master);
    assert_ok(grantpt(master));
    assert_ok(unlockpt(master));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become_job(ptsname(master), self);
    read_until(master, "ready");
    assert_int_equal(write(master, "\003", 1), 1);
    read_until(master, "caught");
    assert_ok(kill(pid, SIGUSR1));
    assert_int_equal(wait_for_process(pid), 0);
    assert_ok(close(master));
    free(self);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(signals_reach_the_command),
    cmocka_unit_test(values_of_signals_reach_the_command),
    cmocka_unit_test(signals_of_the_command_do_not_come_back),
    cmocka_unit_test(stops_and_continues_with_the_command),
    cmocka_unit_test(a_key_of_the_terminal_is_one_signal),
};

RUN_MAIN("run_signals", cases, 0)
