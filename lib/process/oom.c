// SPDX-License-Identifier: BSD-2-Clause
#include "lib/process/oom.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

#define SCORE_FILE  "/proc/self/oom_score_adj"
#define SCORE_LAST  (-1000)
#define SCORE_FIRST 1000
#define SCORE_USUAL 0

/* By how much a child goes before its parent: a tenth of the memory there is. */
#define CHILD_STEP 100

static int score_get(void)
{
    CLEANUP_FD int fd = open(SCORE_FILE, O_RDONLY | O_CLOEXEC);
    char text[16] = "";

    return fd >= 0 && read(fd, text, sizeof(text) - 1) > 0 ? atoi(text) : SCORE_USUAL;
}

static bool score_set(int score)
{
    CLEANUP_FD int fd = open(SCORE_FILE, O_WRONLY | O_CLOEXEC);

    return fd >= 0 && dprintf(fd, "%d", score) > 0;
}

void oom_go_last(void)
{
    // A desktop's session gives its programs a score above the usual one, and lets them lower it.
    if (!score_set(SCORE_LAST) && score_get() > SCORE_USUAL)
        score_set(SCORE_USUAL);
}

void oom_go_before_parent(void)
{
    // The score was the parent's until now.
    int parents = score_get();
    int score = (parents > SCORE_USUAL ? parents : SCORE_USUAL) + CHILD_STEP;

    score_set(score < SCORE_FIRST ? score : SCORE_FIRST);
}
