// SPDX-License-Identifier: BSD-2-Clause
#include "parallel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "work.h"

struct outcome {
    int error;
    double end;
};

// An end that is closed is -1.
struct pipes {
    int ready[2];  // a byte of each process that is there
    int go[2];     // ends for all at once
    int result[2]; // a struct outcome of each
};

static void close_pipes(struct pipes *pipes)
{
    int *const ends[] = { pipes->ready, pipes->go, pipes->result };

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        for (int end = 0; end < 2; end++) {
            if (ends[i][end] >= 0)
                close(ends[i][end]);
            ends[i][end] = -1;
        }
    }
}

static void close_end(int *end)
{
    close(*end);
    *end = -1;
}

static _Noreturn void be_part(struct pipes *pipes, int (*part)(void *, unsigned), void *argument,
                              unsigned index)
{
    struct outcome outcome;
    char byte = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_end(&pipes->go[1]);
    if (write(pipes->ready[1], &byte, 1) != 1 || read(pipes->go[0], &byte, 1) != 0)
        _exit(EXIT_FAILURE);
    outcome.error = part(argument, index);
    outcome.end = work_clock();
    _exit(write(pipes->result[1], &outcome, sizeof(outcome)) == sizeof(outcome) ? EXIT_SUCCESS
                                                                                : EXIT_FAILURE);
}

// Lets them begin, and collects what comes of it. A process that died without a word leaves an end
// of file.
static int conduct(struct pipes *pipes, unsigned count, double *seconds)
{
    int error = 0;
    char byte;

    close_end(&pipes->ready[1]);
    close_end(&pipes->result[1]);
    for (unsigned i = 0; i < count; i++) {
        if (read(pipes->ready[0], &byte, 1) != 1)
            return -ECHILD;
    }
    double start = work_clock();
    double end = start;
    close_end(&pipes->go[1]);
    for (unsigned i = 0; i < count; i++) {
        struct outcome outcome;

        if (read(pipes->result[0], &outcome, sizeof(outcome)) != sizeof(outcome))
            return -ECHILD;
        if (error == 0)
            error = outcome.error;
        if (outcome.end > end)
            end = outcome.end;
    }
    *seconds = end - start;
    return error;
}

// How a process ended that may not have said anything.
static int await_end(pid_t child)
{
    int status;

    if (waitpid(child, &status, 0) != child)
        return -errno;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGBUS || WTERMSIG(status) == SIGSEGV ? -EFAULT : -ECANCELED;
    return status == 0 ? 0 : -ECHILD;
}

int parallel_run(unsigned count, int (*part)(void *argument, unsigned index), void *argument,
                 double *seconds)
{
    struct pipes pipes = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
    unsigned started = 0;
    int error = 0;
    pid_t *children = calloc(count, sizeof(*children));

    if (children == NULL)
        return -ENOMEM;
    if (pipe2(pipes.ready, O_CLOEXEC) < 0 || pipe2(pipes.go, O_CLOEXEC) < 0 ||
        pipe2(pipes.result, O_CLOEXEC) < 0)
        error = -errno;
    for (; error == 0 && started < count; started++) {
        children[started] = fork();
        if (children[started] == 0)
            be_part(&pipes, part, argument, started);
        if (children[started] < 0) {
            error = -errno;
            break;
        }
    }
    if (error == 0)
        error = conduct(&pipes, count, seconds);
    close_pipes(&pipes);
    for (unsigned i = 0; i < started; i++) {
        int end = await_end(children[i]);

        if (error == 0 || error == -ECHILD)
            error = end < 0 ? end : error;
    }
    free(children);
    return error;
}
