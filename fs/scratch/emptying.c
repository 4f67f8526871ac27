// SPDX-License-Identifier: BSD-2-Clause
#include "fs/scratch/emptying.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/util/log.h"
#include "lib/class/scratch_place.h"
#include "lib/quota/project_ids.h"
#include "lib/sys/cleanup.h"

/* So long the end of a mount removes itself: whoever waits for that end finds the space free. */
#define END_SECONDS 5

/* Gives back the project ids that nothing counts for any more. */
static void release_projects(const struct area *store)
{
    CLEANUP_FD int ids = project_ids_open(store, false);

    if (ids >= 0)
        project_ids_release(ids);
}

/* Closes all descriptors but one, which becomes the first. Returns it, or -1. */
static int keep_alone(int fd)
{
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, 1);

    if (kept < 0)
        return -1;
    close_range(0, (unsigned)kept - 1, 0);
    close_range((unsigned)kept + 1, ~0U, 0);
    return kept;
}

static _Noreturn void remove_alone(int directory)
{
    sigset_t none;
    int kept;

    // Nobody waits for this process.
    if (fork() != 0)
        _exit(EXIT_SUCCESS);
    setsid();
    kept = chdir("/") == 0 ? keep_alone(directory) : -1;
    if (kept < 0)
        _exit(EXIT_FAILURE);
    // The next mount finds whatever it leaves.
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setproctitle("removes what was in scratch directories");
    scratch_remove(kept, 0);
    _exit(EXIT_SUCCESS);
}

static void remove_in_background(int directory)
{
    pid_t child = fork();

    if (child == 0)
        remove_alone(directory);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
}

void emptying_begin(const struct area *store, struct state *state)
{
    CLEANUP_FD int directory = store->root < 0 || state->read_only ? -1 : store_private_open(store);
    int error;

    if (directory < 0)
        return;
    error = scratch_set_aside(store);
    if (error) {
        log_event(LOG_WARNING,
                  "the store can have no scratch directories; %s cannot be emptied: %s",
                  SCRATCH_PLACE, strerror(-error));
        return;
    }
    state->scratch = 1;
    if (scratch_was_set_aside(directory))
        remove_in_background(directory);
}

void emptying_end(const struct area *store, const struct state *state)
{
    COPY_ATTRIBUTES(&state->info.cred);
    CLEANUP_FD int directory = state->scratch ? store_private_open(store) : -1;

    if (directory < 0 || scratch_set_aside(store) != 0 || !scratch_was_set_aside(directory))
        return;
    if (!scratch_remove(directory, END_SECONDS))
        remove_in_background(directory);
    if (state->info.cred.privileged)
        release_projects(store);
}
