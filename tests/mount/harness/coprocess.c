// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/coprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void coprocess_complain(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: the other process: %s does not hold, errno %d (%s)\n", file, line,
            condition, errno, strerror(errno));
}

int coprocess_start(struct coprocess *coprocess, coprocess_body *body, void *argument)
{
    int to_peer[2], from_peer[2];
    if (pipe2(to_peer, O_CLOEXEC) < 0 || pipe2(from_peer, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct coprocess parent = { .in = to_peer[0], .out = from_peer[1] };
        close(to_peer[1]);
        close(from_peer[0]);
        int status = body(&parent, argument);
        fflush(NULL);
        _exit(status);
    }
    int error = pid < 0 ? -errno : 0;
    close(to_peer[0]);
    close(from_peer[1]);
    *coprocess = (struct coprocess){ pid, from_peer[0], to_peer[1] };
    return error;
}

bool coprocess_give_turn(const struct coprocess *coprocess)
{
    // An end that is gone is an answer here, not a SIGPIPE.
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    ssize_t written = write(coprocess->out, "", 1);
    signal(SIGPIPE, before);
    return written == 1;
}

bool coprocess_await_turn(const struct coprocess *coprocess)
{
    struct pollfd event = { .fd = coprocess->in, .events = POLLIN };
    char byte;
    return poll(&event, 1, WAIT_SECONDS * 1000) == 1 && read(coprocess->in, &byte, 1) == 1;
}

int wait_for_process(pid_t pid)
{
    int status, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd event = { .fd = pidfd, .events = POLLIN };
    if (poll(&event, 1, WAIT_SECONDS * 1000) != 1) {
        fprintf(stderr, "the other process does not end\n");
        kill(pid, SIGKILL);
    }
    close(pidfd);
    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int coprocess_end(struct coprocess *coprocess)
{
    close(coprocess->in);
    close(coprocess->out);
    return wait_for_process(coprocess->pid);
}

int coprocess_run(coprocess_body *body, void *argument)
{
    struct coprocess coprocess;
    int error = coprocess_start(&coprocess, body, argument);
    return error < 0 ? error : coprocess_end(&coprocess);
}
