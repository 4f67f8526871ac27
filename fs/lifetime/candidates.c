// SPDX-License-Identifier: BSD-2-Clause
#include "fs/lifetime/candidates.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fs/inode/deferred_close.h"
#include "fs/util/clock.h"
#include "fs/util/event.h"

/* How long a file stays after a name was looked up that stands for it: somebody is about to open
 * it. After an open that came too late it is longer, for the second lookup must not be in vain. */
#define GRACE       (5 * MILLISECOND)
#define LONG_GRACE  (500 * MILLISECOND)
#define STALE_MEANS SECOND

/* How long after a close a file is looked at, at least: the kernel may tell of a close before the
 * file counts as closed. A file that lingers has time. Files are looked at together, at these times
 * alone, because a thread that wakes for each of them disturbs those that serve. */
#define FIRST_LOOK     MILLISECOND
#define LINGERING_LOOK SECOND
#define TOGETHER       (4 * MILLISECOND)

/* Lookups without an open keep nothing for longer. */
#define POSTPONED_MAX (2 * SECOND)

static int compare_numbers(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_by_id(const struct candidate *a, const struct candidate *b)
{
    return compare_numbers(a->id, b->id);
}

static int compare_in_turn(const struct candidate *a, const struct candidate *b)
{
    int turn = compare_numbers(a->due, b->due);

    return turn ? turn : compare_by_id(a, b);
}

static int compare_handles(const struct candidate *a, const struct candidate *b)
{
    const struct object_handle *x = &a->handle, *y = &b->handle;
    int type = x->type - y->type;
    int length = x->length - y->length;

    if (type || length)
        return type ? type : length;
    return memcmp(x->bytes, y->bytes, x->length);
}

/* Files of two areas may have the same handle. */
static int compare_by_handle(const struct candidate *a, const struct candidate *b)
{
    int handle = compare_handles(a, b);

    return handle ? handle : compare_by_id(a, b);
}

/* RB_GENERATE_STATIC marks its functions with a word that libbsd does not define. */
#define TREE(field)                                                             \
    RB_GENERATE_INTERNAL(candidates_##field, candidate, field, compare_##field, \
                         __attribute__((unused)) static)
TREE(by_id)
TREE(by_handle)
TREE(in_turn)

void candidate_set_due(struct last_close *list, struct candidate *candidate, uint64_t due)
{
    RB_REMOVE(candidates_in_turn, &list->in_turn, candidate);
    candidate->due = due < candidate->rests ? candidate->rests : due;
    RB_INSERT(candidates_in_turn, &list->in_turn, candidate);
}

static struct candidate *make_candidate(struct inode *inode)
{
    struct last_close *list = inode->volume->last_close;
    struct candidate *candidate = calloc(1, sizeof(*candidate));

    if (!candidate) {
        list->missed = true;
        return NULL;
    }
    node_keep(&inode->volume->nodes, &inode->ref);
    candidate->id = inode->ref.id;
    candidate->linger = UINT_MAX;
    candidate->due = CANDIDATE_NEVER;
    RB_INSERT(candidates_by_id, &list->by_id, candidate);
    RB_INSERT(candidates_in_turn, &list->in_turn, candidate);
    return candidate;
}

/* Returns when a file is to be looked at that was closed just now. */
static uint64_t first_look(const struct candidate *candidate)
{
    unsigned linger = candidate->linger;
    uint64_t after = FIRST_LOOK;

    if (linger > 0 && linger != UINT_MAX)
        after = linger < 8 ? linger * SECOND / 8 : LINGERING_LOOK;
    return ((candidate->closed + after) / TOGETHER + 1) * TOGETHER;
}

static void note_close(struct last_close *list, struct candidate *candidate)
{
    candidate->closed = clock_now();
    candidate->tries = 0;
    candidate->again = candidate->unseen = true;
    candidate_set_due(list, candidate, first_look(candidate));
}

void candidate_add(struct inode *inode)
{
    struct last_close *list = inode->volume->last_close;
    const struct candidate wanted = { .id = inode->ref.id };
    struct candidate *candidate;
    bool sleeps;

    lock_take(&list->lock);
    candidate = RB_FIND(candidates_by_id, &list->by_id, (struct candidate *)(uintptr_t)&wanted);
    if (!candidate)
        candidate = make_candidate(inode);
    if (candidate)
        note_close(list, candidate);
    if (!list->started && !list->over)
        reaper_start(inode->volume);
    sleeps = !candidate || candidate->due < list->sleeps_until;
    if (sleeps)
        list->sleeps_until = 0;
    lock_release(&list->lock);
    if (sleeps)
        event_signal(list->wake);
}

void candidate_drop(struct volume *volume, struct candidate *candidate)
{
    struct last_close *list = volume->last_close;
    struct node_resources leftover;

    lock_take(&list->lock);
    RB_REMOVE(candidates_by_id, &list->by_id, candidate);
    RB_REMOVE(candidates_in_turn, &list->in_turn, candidate);
    if (candidate->watched)
        RB_REMOVE(candidates_by_handle, &list->by_handle, candidate);
    node_let_go(&volume->nodes, candidate->id, &leftover);
    lock_release(&list->lock);
    resources_close(volume, &leftover);
    free(candidate);
}

struct candidate *candidate_choose(struct last_close *list, uint64_t *next)
{
    struct candidate *candidate;

    lock_take(&list->lock);
    candidate = RB_MIN(candidates_in_turn, &list->in_turn);
    *next = candidate ? candidate->due : CANDIDATE_NEVER;
    if (*next <= clock_now()) {
        candidate->fresh = candidate->unseen;
        candidate->again = candidate->unseen = false;
    } else {
        candidate = NULL;
    }
    list->sleeps_until = candidate ? 0 : *next;
    lock_release(&list->lock);
    return candidate;
}

uint64_t candidate_stays_until(struct last_close *list, const struct candidate *candidate)
{
    uint64_t closed = candidate->closed;
    uint64_t looked_up = list->looked_up[candidate->id % LOOKUPS_NOTED];
    uint64_t stale = list->stale;
    bool was_stale = stale > 0 && clock_now() - stale < STALE_MEANS;
    uint64_t end = looked_up ? looked_up + (was_stale ? LONG_GRACE : GRACE) : 0;

    if (end > closed + POSTPONED_MAX)
        end = closed + POSTPONED_MAX;
    if (end < closed + candidate->linger * SECOND)
        end = closed + candidate->linger * SECOND;
    return end;
}

void candidate_note_watched(struct last_close *list, struct candidate *candidate)
{
    lock_take(&list->lock);
    candidate->watched = true;
    RB_INSERT(candidates_by_handle, &list->by_handle, candidate);
    lock_release(&list->lock);
}

void candidate_note_unwatched(struct last_close *list, struct candidate *candidate)
{
    lock_take(&list->lock);
    candidate->watched = false;
    RB_REMOVE(candidates_by_handle, &list->by_handle, candidate);
    lock_release(&list->lock);
}

void candidate_closed(struct last_close *list, const struct object_handle *handle)
{
    const struct candidate wanted = { .handle = *handle };
    struct candidate *candidate;

    lock_take(&list->lock);
    // No id is less than that of `wanted`.
    candidate =
        RB_NFIND(candidates_by_handle, &list->by_handle, (struct candidate *)(uintptr_t)&wanted);
    while (candidate && compare_handles(candidate, &wanted) == 0) {
        note_close(list, candidate);
        candidate = RB_NEXT(candidates_by_handle, &list->by_handle, candidate);
    }
    lock_release(&list->lock);
}

void candidates_closed(struct last_close *list)
{
    struct candidate *candidate;

    lock_take(&list->lock);
    RB_FOREACH(candidate, candidates_by_handle, &list->by_handle)
    note_close(list, candidate);
    lock_release(&list->lock);
}
