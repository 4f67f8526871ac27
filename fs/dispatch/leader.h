// SPDX-License-Identifier: BSD-2-Clause
/*
 * Leader and followers: which of the threads receive requests (Schmidt, O'Ryan, Kircher, Pyarali:
 * «Leader/Followers», 2000).
 *
 * The kernel gives a request to the thread that has waited for longest. If all of them waited, each
 * call of a client would wake another thread, with cold caches, and two requests that follow each
 * other would be served on both processors at once, getting into each other's way. So only a leader
 * receives, and it goes on leading while it serves. One leader is enough as long as no request
 * waits. Another thread leads too
 *   - when a leader finds the next request waiting each time, up to one leader for each processor,
 *     or two;
 *   - when a request takes long, or says that it will: then a follower is promoted in its thread's
 *     place.
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
    unsigned count;  // how many leaders there can be now
    unsigned most;   // how many there can ever be
    bool may_poll;   // there is more than one processor
    unsigned vacant; // how many of `count` are missing: followers may take their places
    bool over;
    atomic_bool pays;              // whether busy polling does, as a leader has found last
    atomic_uint receiving;         // threads that wait for a request
    atomic_uint work[REQUESTS];    // what the thread of each record does (leader.c)
    atomic_uint clients[REQUESTS]; // the thread that asked it to
    atomic_uint replaced;          // threads that serve, and in whose place a follower leads
    atomic_uint waiting;           // the client of the last one of them
    atomic_uint eager;             // how many promotions more may be of no use
    unsigned seen[REQUESTS];       // the value of `work` at the last tick
};

/* The part of one thread. */
struct leader {
    struct leaders *leaders;
    unsigned record;   // the index of its requests' record
    bool leads;        // the thread may receive
    bool waited;       // the last request was not there yet
    bool soon;         // the last request that was waited for came soon
    bool sleeps;       // the thread has slept before the last request
    bool looked;       // it has looked for this one instead of sleeping
    unsigned streak;   // requests in a row that were there already
    uint64_t since;    // when the thread began to wait
    uint64_t received; // when it received last
    uint64_t slept;    // how long it has slept in all, in nanoseconds
    struct busy_poll busy_poll;
};

/* Prepares leaders for this many processors, and for `most` threads at most. */
void leaders_init(struct leaders *leaders, long processors, unsigned most);

/* Makes the part of a thread whose requests have this record. */
struct leader leader_init(struct leaders *leaders, unsigned record);

/* Waits until the thread leads. Returns true at once if it does and is still needed; false if it
 * will not lead any more. */
bool leader_await(struct leader *leader);

/* Begin and end receiving. When nothing is there yet, leader_poll() in between waits until there
 * may be a request, on a `device` that does not block; it returns at once, for a moment, when the
 * last request came soon after the one before. leader_sleep() does so before anybody has looked, if
 * the last request was slept for, too: then there is probably none yet. */
void leader_receiving(struct leader *leader);
void leader_sleep(struct leader *leader, int device);
void leader_poll(struct leader *leader, int device);
void leader_received(struct leader *leader);

/* Begin and end serving what was received. In between, tells the thread that asked for it (0: the
 * kernel's own). */
void leader_serving(struct leader *leader);
void leader_serves(struct leader *leader, unsigned client);
void leader_served(struct leader *leader);

/* Promotes a follower, because the request in this record is about to wait for something: others
 * are to be received meanwhile. */
void leaders_promote(struct leaders *leaders, unsigned record);

/* Does so if such promotions were of use lately, since others asked for something meanwhile. To a
 * client that is alone, waking a thread costs as much as a fast disk; and if the wait is long, the
 * next tick promotes. */
void leaders_promote_eagerly(struct leaders *leaders, unsigned record);

/* Promotes a follower for each leader that has served one request since the last tick. Returns
 * whether any request was served since then. */
bool leaders_tick(struct leaders *leaders);

/* Ends the wait of all threads that wait to lead. */
void leaders_end(struct leaders *leaders);

#endif
