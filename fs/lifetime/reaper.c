// SPDX-License-Identifier: BSD-2-Clause
/* The thread that removes files which nobody uses any more. It alone takes candidates off the
 * list. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/deferred_close.h"
#include "fs/lifetime/candidates.h"
#include "fs/lifetime/last_close.h"
#include "fs/util/clock.h"
#include "fs/util/event.h"
#include "fs/util/log.h"
#include "lib/class/lifetime.h"
#include "lib/sys/cleanup.h"

#define MILLISECOND UINT64_C(1000000)
#define SECOND      UINT64_C(1000000000)

/* How long a file stays after a name was looked up that stands for it: somebody is about to open
 * it. After an open that came too late it is longer, for the second lookup must not be in vain. */
#define GRACE       (5 * MILLISECOND)
#define LONG_GRACE  (500 * MILLISECOND)
#define STALE_MEANS SECOND

/* Lookups without an open keep nothing for longer. */
#define POSTPONED_MAX (2 * SECOND)

/* The kernel tells of a close before the file counts as closed; so a file is looked at again, after
 * 1 ms and each time after twice as long. From this look on it is watched. */
#define WATCHED_TRIES 3
#define TRIES_MAX     14

/* How often a file is looked at that cannot be watched. */
#define UNWATCHED_PERIOD (250 * MILLISECOND)

enum verdict {
    UNUSED,   // it was removed
    OBSOLETE, // it is open, has lost its name, or is gone
    HELD,
    UNKNOWN,
};

/* Asks whether anybody has the area's file open. The lease ends with the descriptor, which is
 * `*lease`. */
static enum verdict probe_users(struct volume *volume, const struct inode *inode, int *lease)
{
    *lease = object_reopen(inode->fd, O_RDONLY | O_NOATIME | O_NONBLOCK);
    if (*lease < 0)
        return *lease == -ESTALE || *lease == -ENOENT ? OBSOLETE : HELD;
    if (fcntl(*lease, F_SETLEASE, F_WRLCK) == 0)
        return UNUSED;
    if (errno == EAGAIN)
        return HELD;
    if (!volume->last_close->complained)
        log_event(LOG_WARNING,
                  "files stay beyond their last close: the kernel grants no leases: %s",
                  strerror(errno));
    volume->last_close->complained = true;
    return UNKNOWN;
}

/* Removes a file if nobody uses it. The stripe is held: who opens it meanwhile finds it gone. */
static enum verdict remove_unused(struct inode *inode)
{
    struct volume *volume = inode->volume;
    CLEANUP_FD int lease = -1;
    enum verdict verdict = UNUSED;

    node_refresh(&volume->nodes, &inode->ref);
    if (inode->ref.opens > 0 || (inode->ref.flags & (NODE_UNLINKED | NODE_GONE)))
        return OBSOLETE;
    if (inode_is_passthrough(inode))
        verdict = inode->ref.held.io_fd >= 0 ? HELD : probe_users(volume, inode, &lease);
    if (verdict == UNUSED && removal_unlink(inode) != 0)
        verdict = HELD;
    return verdict;
}

static enum verdict settle(struct volume *volume, struct candidate *candidate)
{
    struct inode *inode = &candidate->inode;
    struct lock *stripe = volume_stripe(volume, &inode->ref);
    int error = inode_need_fd(inode);
    enum verdict verdict;

    if (error)
        return error == -ESTALE ? OBSOLETE : HELD;
    lock_take(stripe);
    verdict = remove_unused(inode);
    lock_release(stripe);
    if (verdict == UNUSED)
        removal_tell(volume);
    return verdict;
}

/* Returns until when a file stays in any case. */
static uint64_t stays_until(struct volume *volume, struct candidate *candidate)
{
    struct last_close *list = volume->last_close;
    uint64_t looked_up = list->looked_up[candidate->inode.ref.id % LOOKUPS_NOTED];
    uint64_t stale = list->stale;
    bool was_stale = stale > 0 && clock_now() - stale < STALE_MEANS;
    uint64_t end = looked_up ? looked_up + (was_stale ? LONG_GRACE : GRACE) : 0;

    if (candidate->linger == UINT_MAX)
        candidate->linger =
            inode_need_fd(&candidate->inode) == 0 ? lifetime_get(candidate->inode.fd).linger : 0;
    if (end > candidate->closed + POSTPONED_MAX)
        end = candidate->closed + POSTPONED_MAX;
    if (end < candidate->closed + candidate->linger * SECOND)
        end = candidate->closed + candidate->linger * SECOND;
    return end;
}

static void begin_watch(struct last_close *list, struct candidate *candidate)
{
    if (candidate->watched || candidate->inode.fd < 0 ||
        object_handle_of(candidate->inode.fd, &candidate->handle) != 0 ||
        !close_watch_add(&list->watch, candidate->inode.fd))
        return;
    lock_take(&list->lock);
    candidate_note_watched(list, candidate);
    lock_release(&list->lock);
}

/* Returns when a file that somebody uses is to be looked at again. */
static uint64_t next_look(struct last_close *list, struct candidate *candidate)
{
    uint64_t now = clock_now();

    if (++candidate->tries == WATCHED_TRIES) {
        begin_watch(list, candidate);
        return now;
    }
    if (candidate->tries <= TRIES_MAX)
        return now + (MILLISECOND << (candidate->tries - 1));
    return candidate->watched ? CANDIDATE_NEVER : now + UNWATCHED_PERIOD;
}

static void look_at(struct volume *volume, struct candidate *candidate)
{
    struct last_close *list = volume->last_close;
    uint64_t due = stays_until(volume, candidate);
    // A name that went has nothing to wait for.
    bool named = !(candidate->inode.ref.flags & NODE_UNLINKED);

    if (!named || due <= clock_now()) {
        enum verdict verdict = settle(volume, candidate);

        if (verdict != HELD && verdict != UNKNOWN && !candidate->again) {
            candidate_drop(volume, candidate);
            return;
        }
        due = verdict == UNKNOWN ? CANDIDATE_NEVER : next_look(list, candidate);
    }
    lock_take(&list->lock);
    if (candidate->again)
        due = clock_now();
    candidate_set_due(list, candidate, due);
    lock_release(&list->lock);
}

/* Chooses a candidate that is due; NULL: none is, and `*next` receives when the first will be. */
static struct candidate *choose(struct last_close *list, uint64_t *next)
{
    struct candidate *candidate;
    uint64_t now = clock_now();

    *next = CANDIDATE_NEVER;
    lock_take(&list->lock);
    TAILQ_FOREACH(candidate, &list->in_turn, in_turn)
    {
        if (candidate->due <= now)
            break;
        if (candidate->due < *next)
            *next = candidate->due;
    }
    if (candidate)
        candidate->again = false;
    lock_release(&list->lock);
    return candidate;
}

static void on_close(void *argument, const struct object_handle *handle)
{
    struct last_close *list = argument;

    lock_take(&list->lock);
    candidate_closed(list, handle);
    lock_release(&list->lock);
}

static void read_events(struct volume *volume)
{
    struct last_close *list = volume->last_close;

    event_take(list->wake);
    if (!close_watch_read(&list->watch, on_close, list))
        leftovers_find(volume);
}

void *reaper_run(void *argument)
{
    struct volume *volume = argument;
    struct last_close *list = volume->last_close;
    struct pollfd events[] = { { .fd = list->wake, .events = POLLIN },
                               { .fd = list->watch.fd, .events = POLLIN } };
    struct candidate *candidate;
    uint64_t next;

    removal_tell(volume);
    leftovers_find(volume);
    while (!list->over) {
        read_events(volume);
        candidate = choose(list, &next);
        if (candidate)
            look_at(volume, candidate);
        else
            poll(events, 2, next == CANDIDATE_NEVER ? -1 : clock_milliseconds_until(next));
    }
    return NULL;
}
