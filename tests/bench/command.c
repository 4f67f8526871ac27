// SPDX-License-Identifier: BSD-2-Clause
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MINUTES_AT_MOST = 5 };

// The output of a program, on stdout (-1: nobody listens) and on stderr.
struct speech {
    int output;
    int messages;
};

static int spawn(const struct command *command, const struct speech *speech, pid_t *pid)
{
    extern char **environ;
    const char *const *environment =
        command->environment != NULL ? command->environment : (const char *const *)environ;
    posix_spawn_file_actions_t actions;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (speech->output >= 0)
        posix_spawn_file_actions_adddup2(&actions, speech->output, STDOUT_FILENO);
    else
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, speech->messages, STDERR_FILENO);
    if (command->directory != NULL)
        posix_spawn_file_actions_addchdir_np(&actions, command->directory);
    int error = posix_spawnp(pid, command->argv[0], &actions, NULL, (char *const *)command->argv,
                             (char *const *)environment);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

static void first_line(int fd, char *line, size_t size)
{
    ssize_t length = pread(fd, line, size - 1, 0);

    line[length < 0 ? 0 : length] = '\0';
    line[strcspn(line, "\n")] = '\0';
}

// Waits until it ends, which it has to in time.
static int await(pid_t pid, const struct speech *speech, const char *name, char *reason)
{
    int status = 0;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd event = { .fd = pidfd, .events = POLLIN };
    bool in_time = pidfd < 0 || poll(&event, 1, MINUTES_AT_MOST * 60 * 1000) != 0;

    if (pidfd >= 0)
        close(pidfd);
    if (!in_time)
        kill(pid, SIGKILL);
    if (waitpid(pid, &status, 0) < 0)
        return -errno;
    if (!in_time) {
        snprintf(reason, REASON_SIZE, "%s did not end within %d minutes", name, MINUTES_AT_MOST);
        return -ETIMEDOUT;
    }
    if (status == 0)
        return 0;
    first_line(speech->messages, reason, REASON_SIZE);
    if (reason[0] == '\0')
        snprintf(reason, REASON_SIZE, "%s failed with wait status %d", name, status);
    return -EIO;
}

int command_run(const struct command *command, char reason[REASON_SIZE])
{
    const bool asked = command->answer != NULL;
    struct speech speech = {
        .output = asked ? memfd_create("output", MFD_CLOEXEC) : -1,
        .messages = memfd_create("messages", MFD_CLOEXEC),
    };
    pid_t pid;
    int error = speech.messages < 0 || (asked && speech.output < 0) ? -errno
                                                                    : spawn(command, &speech, &pid);

    if (error < 0)
        snprintf(reason, REASON_SIZE, "%s: %s", command->argv[0], strerror(-error));
    else
        error = await(pid, &speech, command->argv[0], reason);
    if (error == 0 && asked)
        first_line(speech.output, command->answer, command->answer_size);
    if (speech.output >= 0)
        close(speech.output);
    if (speech.messages >= 0)
        close(speech.messages);
    return error;
}
