// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which of the threads receive requests.
 *
 * The kernel gives a request to the thread that has waited for longest. If all of them waited, each
 * call of a client would wake another one, with cold caches, and two requests that follow each other
 * would be served on both processors at once, getting into each other's way. So a thread needs a turn
 * to receive, and keeps it while it serves; there is one turn as long as that is enough. There is
 * another
 *   - when whoever has one finds the next request waiting each time, up to one for each processor;
 *   - when a request takes long, or says that it will: then the turn passes to another thread.
 */
#ifndef SHMAPFS_TURNS_H
#define SHMAPFS_TURNS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fs/dispatch/busy_poll.h"
#include "fs/state/request.h"
#include "fs/util/lock.h"

struct turns {
    struct lock lock; // guards the following
    pthread_cond_t passed;
    unsigned count; // of turns
    unsigned most;  // as many as there can be
    bool may_spin;  // there is more than one processor
    unsigned free;  // turns that no thread has
    bool over;
    atomic_uint receiving;      // threads that wait for a request
    atomic_uint work[REQUESTS]; // of who uses a record: what it does (turns.c)
    unsigned seen[REQUESTS];    // what that was when it was last looked at
};

/* A thread's part. */
struct turn {
    struct turns *turns;
    unsigned record; // of its requests
    bool had;        // it has one
    bool waited;     // the last request was not there yet
    bool soon;       // it came soon
    unsigned streak; // requests that were there already, one after another
    uint64_t since;  // when it began to wait
    struct spin spin;
};

/* For so many processors, of no more threads than `most`. */
void turns_init(struct turns *turns, long processors, unsigned most);

/* The part of a thread whose requests have this record. */
struct turn turn_init(struct turns *turns, unsigned record);

/* Waits for a turn, unless the thread has one that is still needed. false: there will be none. */
bool turn_take(struct turn *turn);

/* Around receiving. In between, when nothing is there yet: waits until there may be, on a `device`
 * that does not block; only looks for a moment when the last request came soon after the one before.
 */
void turn_receive(struct turn *turn);
void turn_wait(struct turn *turn, int device);
void turn_received(struct turn *turn);

/* Around serving what was received. */
void turn_begin(struct turn *turn);
void turn_end(struct turn *turn);

/* The request in this record is about to wait for something: others are to receive meanwhile. */
void turns_pass(struct turns *turns, unsigned record);

/* Passes on the turns of those who have been at one request since the last look. Returns whether
 * any request was served since then. */
bool turns_look(struct turns *turns);

/* Lets all go that wait for a turn. */
void turns_end(struct turns *turns);

#endif
