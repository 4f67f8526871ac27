// SPDX-License-Identifier: BSD-2-Clause
#include "tools/scan/mount_states.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"
#include "tools/ui/output.h"

/* How long all of them together may take. On a busy machine a living daemon needs some of it. */
#define ANSWER_MILLISECONDS 5000

/* Makes memory that children share. */
static void *make_shared(size_t count, size_t size)
{
    void *memory = mmap(NULL, (count + 1) * size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED)
        err(EXIT_FAILURE, NULL);
    return memory;
}

static void ask_for_details(const struct listed_mount *mount, struct mount_details *details)
{
    struct shmap_own_area *areas;
    size_t count;

    // An older mount has none, and others tell them to nobody but root and their owners.
    if (shmap_areas_get(mount->path, &areas, &count) == 0) {
        if (count > MOUNT_AREAS_MAX)
            count = MOUNT_AREAS_MAX;
        memcpy(details->areas, areas, count * sizeof(*areas));
        details->area_count = count;
        free(areas);
    }
    if (shmap_requests_get(mount->path, &details->requests) != 0)
        details->requests.count = 0;
}

static _Noreturn void ask_mount(const struct listed_mount *mount, struct mount_state *state,
                                struct mount_details *details)
{
    // It may be left behind, and nobody who reads what shmapctl prints waits for it then.
    closefrom(0);
    state->error = mounts_device_at(mount->path) == mount->device
                       ? shmap_status_get(mount->path, &state->status)
                       : -ESTALE;
    if (details && state->error == 0)
        ask_for_details(mount, details);
    _exit(EXIT_SUCCESS);
}

/* Waits until a time for the process that asks. Returns its error, or one about it. */
static int await_state(pid_t child, const struct mount_state *state, int64_t limit)
{
    CLEANUP_FD int ended = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd event = { .fd = ended, .events = POLLIN };
    int64_t left = limit - now_ms();
    int status;

    if (ended < 0)
        return -errno;
    while (poll(&event, 1, left > 0 ? (int)left : 0) < 0 && errno == EINTR)
        left = limit - now_ms();
    if (waitpid(child, &status, WNOHANG) != child)
        return -ETIMEDOUT;
    return WIFEXITED(status) ? state->error : -ECHILD;
}

static void get_states(const struct mount_list *list, struct mount_states *states)
{
    CLEANUP_FREE pid_t *children = calloc(list->count + 1, sizeof(*children));
    int64_t limit = now_ms() + ANSWER_MILLISECONDS;

    states->count = list->count;
    states->errors = calloc(list->count + 1, sizeof(*states->errors));
    states->all = make_shared(list->count, sizeof(*states->all));
    if (!children || !states->errors)
        err(EXIT_FAILURE, NULL);
    for (size_t i = 0; i < list->count; i++) {
        children[i] = fork();
        if (children[i] == 0)
            ask_mount(&list->all[i], &states->all[i], states->details ? &states->details[i] : NULL);
        if (children[i] < 0)
            states->errors[i] = -errno;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (children[i] > 0)
            states->errors[i] = await_state(children[i], &states->all[i], limit);
    }
}

void mount_states_get(const struct mount_list *list, struct mount_states *states)
{
    *states = (struct mount_states){ .details = NULL };
    get_states(list, states);
}

void mount_states_get_with_details(const struct mount_list *list, struct mount_states *states)
{
    *states =
        (struct mount_states){ .details = make_shared(list->count, sizeof(*states->details)) };
    get_states(list, states);
}

void mount_states_free(struct mount_states *states)
{
    free(states->errors);
    munmap(states->all, (states->count + 1) * sizeof(*states->all));
    if (states->details)
        munmap(states->details, (states->count + 1) * sizeof(*states->details));
}
