// SPDX-License-Identifier: BSD-2-Clause
/*
 * Leader and followers: which of the threads receive requests (Schmidt, O'Ryan, Kircher, Pyarali:
 * «Leader/Followers», 2000).
 *
 * The kernel gives a request to the thread that has waited for longest. If all of them waited, each
 * call of a client would wake another one, with cold caches, and two requests that follow each other
 * would be served on both processors at once, getting into each other's way. So only a leader
 * receives, and it goes on leading while it serves. One leader is enough as long as no request
 * waits. Another thread leads too
 *   - when a leader finds the next request waiting each time, up to one for each processor;
 *   - when a request takes long, or says that it will: then a follower is promoted in its place.
 */
#ifndef SHMAPFS_LEADER_H
#define SHMAPFS_LEADER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fs/dispatch/busy_poll.h"
#include "fs/state/request.h"
#include "fs/util/lock.h"

struct leaders {
    struct lock lock; // guards the following
    pthread_cond_t promoted;
    unsigned count;  // of leaders that there can be now
    unsigned most;   // as many as there can be
    bool may_poll;   // there is more than one processor
    unsigned vacant; // of these, how many no thread is
    bool over;
    atomic_uint receiving;      // threads that wait for a request
    atomic_uint work[REQUESTS]; // by record: what its thread does (leader.c)
    unsigned seen[REQUESTS];    // what that was when it was last looked at
};

/* A thread's part. */
struct leader {
    struct leaders *leaders;
    unsigned record; // of its requests
    bool leads;      // it may receive
    bool waited;     // the last request was not there yet
    bool soon;       // it came soon
    unsigned streak; // requests that were there already, one after another
    uint64_t since;  // when it began to wait
    struct busy_poll busy_poll;
};

/* For so many processors, of no more threads than `most`. */
void leaders_init(struct leaders *leaders, long processors, unsigned most);

/* The part of a thread whose requests have this record. */
struct leader leader_init(struct leaders *leaders, unsigned record);

/* Waits until the thread leads, unless it does and is still needed. false: it will not any more. */
bool leader_await(struct leader *leader);

/* Around receiving. In between, when nothing is there yet: waits until there may be, on a `device`
 * that does not block; only looks for a moment when the last request came soon after the one before.
 */
void leader_receiving(struct leader *leader);
void leader_poll(struct leader *leader, int device);
void leader_received(struct leader *leader);

/* Around serving what was received. */
void leader_serving(struct leader *leader);
void leader_served(struct leader *leader);

/* The request in this record is about to wait for something: others are to receive meanwhile. */
void leaders_promote(struct leaders *leaders, unsigned record);

/* Promotes a follower for each leader that has served one request since the last tick. Returns whether
 * any request was served since then. */
bool leaders_tick(struct leaders *leaders);

/* Lets all threads go that wait to lead. */
void leaders_end(struct leaders *leaders);

#endif
