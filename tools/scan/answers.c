// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/answers.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/sys/mounts.h"

/* How long all of them together may take. On a busy machine a living daemon needs some of it. */
#define ANSWER_MILLISECONDS 5000

/* Needs no more than the memory: whoever reads what shmapctl prints does not wait for this. */
static _Noreturn void ask_mount(const struct listed_mount *mount, struct answer *answer)
{
    closefrom(0);
    answer->covered = mounts_device_at(mount->path) != mount->device;
    answer->error = answer->covered ? 0 : shmap_status_get(mount->path, &answer->status);
    answer->complete = true;
    _exit(EXIT_SUCCESS);
}

static int64_t milliseconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Waits for the end of a child until a time. */
static void await_answer(pid_t child, int64_t limit)
{
    struct pollfd ended = { .fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN };
    int64_t left = limit - milliseconds_now();

    if (ended.fd < 0)
        return;
    while (left >= 0 && poll(&ended, 1, (int)left) < 0 && errno == EINTR)
        left = limit - milliseconds_now();
    close(ended.fd);
    waitpid(child, NULL, WNOHANG);
}

void answers_get(const struct mount_list *list, struct answers *answers)
{
    int64_t limit = milliseconds_now() + ANSWER_MILLISECONDS;
    size_t bytes = (list->count + 1) * sizeof(*answers->all);
    pid_t *children = calloc(list->count + 1, sizeof(*children));

    answers->count = list->count;
    answers->all = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!children || answers->all == MAP_FAILED)
        err(EXIT_FAILURE, NULL);
    for (size_t i = 0; i < list->count; i++) {
        children[i] = fork();
        if (children[i] == 0)
            ask_mount(&list->all[i], &answers->all[i]);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (children[i] > 0)
            await_answer(children[i], limit);
        if (!answers->all[i].complete)
            answers->all[i].error = children[i] > 0 ? -ETIMEDOUT : -EAGAIN;
    }
    free(children);
}

void answers_free(struct answers *answers)
{
    munmap(answers->all, (answers->count + 1) * sizeof(*answers->all));
}
