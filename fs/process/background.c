// SPDX-License-Identifier: BSD-2-Clause
#include "fs/process/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/streams.h"

int background_run(int (*work)(void *argument, int ready), void *argument)
{
    int ends[2];
    int status;
    pid_t child;
    char byte;

    if (pipe2(ends, O_CLOEXEC) != 0 || (child = fork()) < 0) {
        fprintf(stderr, "shmapfs: the daemon cannot be started: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    if (child == 0) {
        close(ends[0]);
        setsid();
        if (chdir("/") != 0)
            _exit(EXIT_FAILURE);
        _exit(work(argument, ends[1]));
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) == 1)
        return EXIT_SUCCESS;
    if (waitpid(child, &status, 0) == child && WIFSIGNALED(status))
        fprintf(stderr, "shmapfs: the daemon ended with signal %d before the mount was ready\n",
                WTERMSIG(status));
    return EXIT_FAILURE;
}

bool background_ready(int ready)
{
    CLEANUP_FD int parent = ready;

    if (ready < 0)
        return true;
    streams_silence(STDERR_FILENO);
    return write(parent, "", 1) == 1;
}
