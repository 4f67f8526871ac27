// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/commands/shmapctl_run.h"

#include "tests/mount/cases/commands/command_role.h"
#include "tests/mount/harness/coprocess.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *own_path(void)
{
    return realpath("/proc/self/exe", NULL);
}

/* Mount options as every case wants them, with some more; for free(). */
static char *options_for(const struct workspace *workspace, const char *more)
{
    char *all;

    assert_ok(asprintf(&all, "size=16m%s%s%s", workspace->nopassthrough ? ",nopassthrough" : "",
                       more[0] == '\0' ? "" : ",", more));
    return all;
}

/* shmapctl run -o … -- sh -c SCRIPT, with a store unless it is NULL. */
struct program_result run_script(const struct workspace *workspace, const char *store,
                                 const char *script)
{
    char *options = options_for(workspace, "");
    struct program_result result =
        store ? run_program(shmapctl(), "run", "-o", options, "--persist", store, "--", "sh", "-c",
                            script, NULL)
              : run_program(shmapctl(), "run", "-o", options, "--", "sh", "-c", script, NULL);

    free(options);
    return result;
}

struct program_result run_role(const struct workspace *workspace, const char *more,
                               const char *role)
{
    char *options = options_for(workspace, more), *self = own_path();
    struct program_result result =
        run_program(shmapctl(), "run", "-o", options, self, COMMAND_ROLE, role, NULL);

    free(options);
    free(self);
    return result;
}

void assert_ended(const struct program_result *result, int status, const char *out)
{
    if (result->status != status || result->err[0] != '\0')
        fail_msg("status %d, standard error: %s", result->status, result->err);
    assert_string_equal(result->out, out);
}

struct background_run start_words(const char *const words[])
{
    struct background_run background = { .err = output_memory("err") };
    int in[2], out[2];
    sigset_t all, before, none;

    assert_ok(pipe2(in, O_CLOEXEC));
    assert_ok(pipe2(out, O_CLOEXEC));
    fflush(NULL);
    // One that the caller sends at once waits until the child does not ignore it any more.
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    background.pid = fork();
    if (background.pid == 0) {
        // A program that was started in the background, or by nohup(1), ignores some.
        for (int number = 1; number <= SIGRTMAX; number++)
            signal(number, SIG_DFL);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        // A job, as a shell has it: one without anybody to continue it would not be stopped.
        setpgid(0, 0);
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        dup2(background.err, STDERR_FILENO);
        execv(words[0], (char *const *)(uintptr_t)words);
        _exit(NOT_FOUND);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_ok(background.pid);
    assert_ok(close(in[0]));
    assert_ok(close(out[1]));
    background.in = in[1];
    background.out = out[0];
    return background;
}

struct background_run start_script(const struct workspace *workspace, bool with_store,
                                   const char *script)
{
    char *options = options_for(workspace, "");
    const char *words[] = { shmapctl(),
                            "run",
                            "-o",
                            options,
                            with_store ? "--persist" : "-o",
                            with_store ? workspace->store : "rw",
                            "sh",
                            "-c",
                            script,
                            NULL };
    struct background_run background = start_words(words);

    free(options);
    return background;
}

/* The next line of what the command writes, or "" at its end. */
void read_line(int fd, char *line, size_t size)
{
    struct pollfd event = { .fd = fd, .events = POLLIN };
    size_t length = 0;

    while (length + 1 < size) {
        if (poll(&event, 1, WAIT_SECONDS * 1000) != 1)
            fail_msg("the command writes nothing");
        // A terminal whose other side is gone answers EIO.
        if (read(fd, line + length, 1) != 1 || line[length] == '\n')
            break;
        length++;
    }
    line[length] = '\0';
}

void assert_line(const struct background_run *background, const char *expected)
{
    char line[256];

    read_line(background->out, line, sizeof(line));
    assert_string_equal(line, expected);
}

/* The command's process id, which it says first: echo $$ */
pid_t read_pid(const struct background_run *background)
{
    char line[64];

    read_line(background->out, line, sizeof(line));
    return (pid_t)atoi(line);
}

bool is_gone(void *pid)
{
    return kill(*(pid_t *)pid, 0) == -1 && errno == ESRCH;
}

void say(const struct background_run *background, const char *line)
{
    assert_int_equal(write(background->in, line, strlen(line)), strlen(line));
}

void end_input(struct background_run *background)
{
    assert_ok(close(background->in));
    background->in = -1;
}

/* Waits, and returns the status of the run. The command's input ends only afterwards. */
int end_run(struct background_run *background, char *err, size_t size)
{
    int status = wait_for_process(background->pid);
    if (background->in >= 0)
        end_input(background);
    assert_ok(close(background->out));
    ssize_t length = pread(background->err, err, size - 1, 0);
    assert_ok(length);
    err[length] = '\0';
    assert_ok(close(background->err));
    return status;
}

struct words_expected {
    int fd;
    const char *words;
};

static bool has_words(void *argument)
{
    const struct words_expected *expected = argument;
    char text[4096] = "";

    assert_ok(pread(expected->fd, text, sizeof(text) - 1, 0));
    return strstr(text, expected->words) != NULL;
}

void await_complaint(const struct background_run *background, const char *words)
{
    struct words_expected expected = { background->err, words };

    if (!becomes_true(has_words, &expected))
        fail_msg("it does not say «%s»", words);
}

void assert_run_ends_with(struct background_run *background, int status, const char *words)
{
    char err[4096];
    int ended = end_run(background, err, sizeof(err));

    if (ended != status || strstr(err, words) == NULL)
        fail_msg("status %d, no «%s» in: %s", ended, words, err);
}

void assert_run_ends(struct background_run *background, int status)
{
    char err[4096];
    int ended = end_run(background, err, sizeof(err));

    if (ended != status || err[0] != '\0')
        fail_msg("status %d, standard error: %s", ended, err);
}

/* A user's run needs what an administrator can forbid. */
struct workspace *begin_run(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t child = workspace->root ? 0 : fork();

    if (!workspace->root) {
        if (child == 0)
            _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
        if (wait_for_process(child) != 0)
            harness_skip_case("no user namespaces are allowed here");
    }
    return workspace;
}

/* Starts this program, which is ready when this returns. */
struct background_run start_role(const char *role)
{
    char *self = own_path();
    const char *words[] = { shmapctl(), "run", self, COMMAND_ROLE, role, NULL };
    struct background_run background = start_words(words);

    assert_line(&background, "ready");
    free(self);
    return background;
}

int64_t status_number(const char *mountpoint, const char *member)
{
    struct program_result result = run_program(shmapctl(), "--json", "status", mountpoint, NULL);
    assert_done(&result);
    struct json_object *status = json_tokener_parse(result.out), *value;
    assert_true(json_object_object_get_ex(status, member, &value));
    int64_t number = json_object_get_int64(value);
    json_object_put(status);
    return number;
}
