// SPDX-License-Identifier: BSD-2-Clause
/* The thread that removes files which nobody uses any more. It alone takes candidates off the
 * list. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/inode/impersonate.h"
#include "fs/lifetime/candidates.h"
#include "fs/lifetime/last_close.h"
#include "fs/util/clock.h"
#include "fs/util/event.h"
#include "fs/util/log.h"
#include "lib/class/lifetime.h"
#include "lib/sys/cleanup.h"

/* A file is not looked at more often, and if it is closed all the time, even less. */
#define REST     MILLISECOND
#define REST_MAX (8 * MILLISECOND)

/* The kernel may tell of a close long before the file counts as closed; so a file is looked at
 * again, after 1 ms and each time after twice as long. From this look on it is watched. */
#define WATCHED_TRIES 3
#define TRIES_MAX     14

/* How often a file is looked at that cannot be watched, or that no descriptor is left for. */
#define UNWATCHED_PERIOD (250 * MILLISECOND)

/* How often files are searched for that are missing from the list. */
#define SEARCH_PERIOD SECOND

enum verdict {
    GONE, // it has lost its name
    OPEN, // its RELEASE will tell
    HELD,
    STAYS,   // nobody uses it, and it stays for a while
    UNKNOWN, // it cannot be known
    LATER,   // there was no descriptor to look at it by
    LOST,    // it cannot be reached any more, but may be there
};

/* Asks whether anybody has the area's file open. The lease ends with the descriptor, which is
 * `*lease`. */
static enum verdict probe_users(struct volume *volume, const struct inode *inode, int *lease)
{
    *lease = object_reopen(inode->fd, O_RDONLY | O_NOATIME | O_NONBLOCK);
    if (*lease < 0)
        return LATER;
    if (fcntl(*lease, F_SETLEASE, F_WRLCK) == 0)
        return STAYS;
    if (errno == EAGAIN)
        return HELD;
    if (!volume->last_close->complained)
        log_event(LOG_WARNING,
                  "files stay beyond their last close: the kernel grants no leases: %s",
                  strerror(errno));
    volume->last_close->complained = true;
    return UNKNOWN;
}

/* Removes a file if nobody uses it and it `may_go`. The stripe is held: who opens it meanwhile
 * finds it gone. */
static enum verdict remove_unused(struct inode *inode, const struct candidate *candidate,
                                  bool may_go)
{
    struct volume *volume = inode->volume;
    CLEANUP_FD int lease = -1;
    enum verdict verdict = STAYS;

    node_refresh(&volume->nodes, &inode->ref);
    if (inode->ref.flags & (NODE_UNLINKED | NODE_GONE))
        return GONE;
    if (inode->ref.opens > 0)
        return OPEN;
    if (inode_is_passthrough(inode))
        verdict = inode->ref.held.io_fd >= 0 ? HELD : probe_users(volume, inode, &lease);
    if (verdict != STAYS || !may_go)
        return verdict;
    switch (removal_unlink(inode, candidate)) {
    case 0:
        return GONE;
    case -EAGAIN:
        return STAYS;
    case -ESTALE:
        return LOST;
    default:
        return HELD;
    }
}

static enum verdict judge_candidate(struct inode *inode, struct candidate *candidate)
{
    struct volume *volume = inode->volume;
    struct lock *stripe = volume_stripe(volume, &inode->ref);
    enum verdict verdict;
    bool may_go;

    if (candidate->linger == UINT_MAX)
        candidate->linger = lifetime_get(inode->fd).linger;
    may_go = candidate_stays_until(volume->last_close, candidate) <= clock_now();
    // Only of a file that lingers it matters since when nobody uses it.
    if (!may_go && candidate->linger == 0)
        return STAYS;
    lock_take(stripe);
    verdict = remove_unused(inode, candidate, may_go);
    lock_release(stripe);
    if (verdict == GONE && may_go)
        removal_tell(volume);
    return verdict;
}

static void begin_watch(struct last_close *list, struct candidate *candidate, int fd)
{
    if (object_handle_of(fd, &candidate->handle) == 0 && close_watch_add(&list->watch, fd))
        candidate_note_watched(list, candidate);
}

/* A watch ends with the first event, and while a file is looked at often for another reason. */
static void end_watch(struct last_close *list, struct candidate *candidate, int fd)
{
    if (!candidate->watched || candidate->tries > 0)
        return;
    close_watch_remove(&list->watch, fd);
    candidate_note_unwatched(list, candidate);
}

/* Returns when a file that somebody uses is to be looked at again. */
static uint64_t next_look(struct last_close *list, struct candidate *candidate, int fd)
{
    uint64_t now = clock_now();

    candidate->closed = now;
    if (++candidate->tries == WATCHED_TRIES) {
        begin_watch(list, candidate, fd);
        return now;
    }
    if (candidate->tries <= TRIES_MAX)
        return now + (MILLISECOND << (candidate->tries - 1));
    return candidate->watched ? CANDIDATE_NEVER : now + UNWATCHED_PERIOD;
}

/* Returns when a file that nobody uses is to be looked at again. A mapping may have outlived the
 * last close, and ended just now. */
static uint64_t stay(struct last_close *list, struct candidate *candidate)
{
    if (candidate->fresh && candidate->linger > 0)
        candidate->closed = clock_now();
    return candidate_stays_until(list, candidate);
}

/* Looks at a file. `*due` receives when it is to be looked at again. */
static enum verdict look_at(struct volume *volume, struct candidate *candidate, uint64_t *due)
{
    struct last_close *list = volume->last_close;
    INODE struct inode inode = INODE_NONE;
    int error = inode_hold(volume, candidate->id, &inode);
    enum verdict verdict;

    *due = CANDIDATE_NEVER;
    if (error || (inode.ref.flags & (NODE_UNLINKED | NODE_GONE)))
        return GONE;
    error = inode_need_fd(&inode);
    if (error == -ESTALE)
        return LOST;
    if (!error)
        end_watch(list, candidate, inode.fd);
    verdict = error ? LATER : judge_candidate(&inode, candidate);
    if (verdict == HELD)
        *due = next_look(list, candidate, inode.fd);
    else if (verdict == STAYS)
        *due = stay(list, candidate);
    else if (verdict == LATER)
        *due = clock_now() + UNWATCHED_PERIOD;
    return verdict;
}

/* Lets a file rest that was looked at just now. The lock is held. */
static void let_rest(struct candidate *candidate, bool was_closed)
{
    uint64_t now = clock_now();
    uint64_t rest = was_closed && now - candidate->looked < 2 * REST_MAX ? REST_MAX : REST;

    candidate->looked = now;
    // Those that rest are looked at together, which wakes the thread less often.
    candidate->rests = (now / rest + 1) * rest;
}

static void settle(struct volume *volume, struct candidate *candidate)
{
    struct last_close *list = volume->last_close;
    bool was_closed = candidate->tries == 0;
    uint64_t due;
    enum verdict verdict = look_at(volume, candidate, &due);

    if (verdict == LOST)
        list->missed = true;
    if (verdict == GONE || verdict == LOST) {
        candidate_drop(volume, candidate);
        return;
    }
    lock_take(&list->lock);
    let_rest(candidate, was_closed);
    candidate_set_due(list, candidate, candidate->again ? candidate->due : due);
    lock_release(&list->lock);
}

static void on_close(void *list, const struct object_handle *handle)
{
    candidate_closed(list, handle);
}

/* Searches for files that are missing from the list, from time to time. Returns when it is to be
 * done again. */
static uint64_t search_again(struct volume *volume, uint64_t since)
{
    struct last_close *list = volume->last_close;

    if (!list->missed)
        return CANDIDATE_NEVER;
    if (clock_now() < since + SEARCH_PERIOD)
        return since + SEARCH_PERIOD;
    list->missed = false;
    leftovers_find(volume);
    return 0;
}

static void sleep_until(struct last_close *list, uint64_t time)
{
    struct pollfd events[] = { { .fd = list->wake, .events = POLLIN },
                               { .fd = list->watch.fd, .events = POLLIN } };
    uint64_t now = clock_now();
    uint64_t left = time > now ? time - now : 0;
    const struct timespec timeout = { .tv_sec = (time_t)(left / SECOND),
                                      .tv_nsec = (long)(left % SECOND) };

    ppoll(events, 2, time == CANDIDATE_NEVER ? NULL : &timeout, NULL);
}

static void *reap_files(void *argument)
{
    struct volume *volume = argument;
    struct last_close *list = volume->last_close;
    uint64_t searched = 0;

    removal_tell(volume);
    while (!list->over) {
        uint64_t search = search_again(volume, searched);
        struct candidate *candidate;
        uint64_t next;

        if (search == 0)
            searched = clock_now();
        event_take(list->wake);
        if (!close_watch_read(&list->watch, on_close, list))
            candidates_closed(list);
        candidate = candidate_choose(list, &next);
        if (candidate)
            settle(volume, candidate);
        else
            sleep_until(list, search < next ? search : next);
    }
    return NULL;
}

int reaper_start(struct volume *volume)
{
    struct last_close *list = volume->last_close;
    pthread_attr_t attributes;
    int error;

    if (list->wake < 0)
        list->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (list->wake < 0)
        return -errno;
    // The new thread has the identity of this one.
    impersonate_none(volume);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, list->stack_bytes);
    error = pthread_create(&list->thread, &attributes, reap_files, volume);
    pthread_attr_destroy(&attributes);
    list->started = !error;
    return -error;
}
