// SPDX-License-Identifier: BSD-2-Clause
#include "lib/process/parent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#define VARIABLE "SHMAPFS_PARENT"

void parent_note(struct parent *parent)
{
    parent->signal = 0;
    prctl(PR_GET_PDEATHSIG, &parent->signal);
    parent->pid = getppid();
}

void parent_follow(const struct parent *parent)
{
    if (parent->signal <= 0 || prctl(PR_SET_PDEATHSIG, parent->signal) != 0)
        return;
    if (getppid() != parent->pid)
        kill(getpid(), parent->signal);
}

void parent_write(const struct parent *parent, char text[PARENT_TEXT_MAX])
{
    snprintf(text, PARENT_TEXT_MAX, VARIABLE "=%d:%d", (int)parent->pid, parent->signal);
}

void parent_read(struct parent *parent)
{
    const char *text = getenv(VARIABLE);
    char *end = NULL;

    *parent = (struct parent){ .signal = 0 };
    if (!text)
        return;
    parent->pid = (pid_t)strtol(text, &end, 10);
    if (*end == ':')
        parent->signal = (int)strtol(end + 1, NULL, 10);
}
