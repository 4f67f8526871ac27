// SPDX-License-Identifier: BSD-2-Clause
#include "fs/lifetime/candidates.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fs/util/clock.h"
#include "fs/util/event.h"

static struct candidate *find_candidate(struct last_close *list, uint64_t id)
{
    struct candidate *candidate;

    LIST_FOREACH(candidate, &list->by_id[id % CANDIDATE_BUCKETS], by_id)
    {
        if (candidate->inode.ref.id == id)
            return candidate;
    }
    return NULL;
}

void candidate_set_due(struct last_close *list, struct candidate *candidate, uint64_t due)
{
    if (candidate->due != CANDIDATE_NEVER)
        TAILQ_REMOVE(&list->in_turn, candidate, in_turn);
    candidate->due = due;
    if (due != CANDIDATE_NEVER)
        TAILQ_INSERT_TAIL(&list->in_turn, candidate, in_turn);
}

static struct candidate *make_candidate(struct inode *inode)
{
    struct last_close *list = inode->volume->last_close;
    struct candidate *candidate = calloc(1, sizeof(*candidate));

    if (!candidate || inode_hold(inode->volume, inode->ref.id, &candidate->inode) != 0) {
        free(candidate);
        return NULL;
    }
    candidate->linger = UINT_MAX;
    candidate->due = CANDIDATE_NEVER;
    LIST_INSERT_HEAD(&list->by_id[inode->ref.id % CANDIDATE_BUCKETS], candidate, by_id);
    return candidate;
}

void candidate_add(struct inode *inode)
{
    struct last_close *list = inode->volume->last_close;
    struct candidate *candidate;

    lock_take(&list->lock);
    candidate = find_candidate(list, inode->ref.id);
    if (!candidate)
        candidate = make_candidate(inode);
    if (candidate) {
        candidate->closed = clock_now();
        candidate->tries = 0;
        candidate->again = true;
        candidate_set_due(list, candidate, candidate->closed);
    }
    lock_release(&list->lock);
    if (list->wake >= 0)
        event_signal(list->wake);
}

void candidate_drop(struct volume *volume, struct candidate *candidate)
{
    struct last_close *list = volume->last_close;

    lock_take(&list->lock);
    candidate_set_due(list, candidate, CANDIDATE_NEVER);
    LIST_REMOVE(candidate, by_id);
    if (candidate->watched)
        LIST_REMOVE(candidate, by_handle);
    lock_release(&list->lock);
    inode_release(&candidate->inode);
    free(candidate);
}

static unsigned bucket_of_handle(const struct object_handle *handle)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < handle->length; i++)
        sum = sum * 31 + handle->bytes[i];
    return sum % CANDIDATE_BUCKETS;
}

void candidate_note_watched(struct last_close *list, struct candidate *candidate)
{
    candidate->watched = true;
    LIST_INSERT_HEAD(&list->by_handle[bucket_of_handle(&candidate->handle)], candidate, by_handle);
}

void candidate_closed(struct last_close *list, const struct object_handle *handle)
{
    struct candidate *candidate;

    LIST_FOREACH(candidate, &list->by_handle[bucket_of_handle(handle)], by_handle)
    {
        if (candidate->handle.length == handle->length && candidate->handle.type == handle->type &&
            memcmp(candidate->handle.bytes, handle->bytes, handle->length) == 0) {
            candidate->tries = 0;
            candidate->closed = clock_now();
            candidate_set_due(list, candidate, candidate->closed);
            return;
        }
    }
}
