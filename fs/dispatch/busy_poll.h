// SPDX-License-Identifier: BSD-2-Clause
/*
 * Busy poll: whether it pays to look for the next request for a moment instead of sleeping at once.
 *
 * On an idle machine it pays: the client need not wake the thread. Where another program uses the
 * other processors it does not: client and thread share one processor, and the thread that polls
 * keeps the client from running. So both ways are tried: now and then some requests are received
 * the other way, and the quicker way stays. But a thread that polls, and waits for a processor for
 * a part of the time, takes it from others who want it: then polling does not pay, however quick it
 * is. Each time that a try finds it so, the next one comes twice as late; and so it does where
 * nobody else wants a processor and a try is clearly slower. One that is half as slow again ends
 * before the round does.
 */
#ifndef SHMAPFS_BUSY_POLL_H
#define SHMAPFS_BUSY_POLL_H

#include <stdbool.h>
#include <stdint.h>

/* The state of a thread's choice. All zero at first, except for `pays`: the way to begin with. */
struct busy_poll {
    unsigned debt;  // processor time that looks in vain have taken, in looks that were not
    unsigned rest;  // requests before the next look, when it is too much
    unsigned tired; // how often in a row it came to that
    bool pays;
    bool trying;       // this round goes the other way
    bool alone;        // nobody else wanted a processor in the last round that was no try
    bool early;        // it is time to look whether a try is slower
    unsigned requests; // of this round
    unsigned rounds;
    unsigned doubt; // so often in a row the other way was worse: the next try comes later
    uint64_t begin; // of this round
    uint64_t used;  // the thread's time by then, see below
    uint64_t usual; // how long the last round took that was no try
};

static inline bool busy_poll_wanted(const struct busy_poll *busy_poll)
{
    return busy_poll->pays != busy_poll->trying && busy_poll->rest == 0;
}

/* Notes that a thread has looked for a request, and whether that was in vain: then it has taken as
 * much processor time as it saves in several times that it is not. Rounds do not tell where clients
 * make pauses, as they do when they wait for a processor. */
void busy_poll_looked(struct busy_poll *busy_poll, bool in_vain);

/* Takes a pause out of the round, in nanoseconds: the thread did not receive meanwhile, and how
 * long that was tells nothing. `pays` is what others have found; if it is not what this thread
 * believes, a round begins with the next request. It does so, too, after a pause that is longer
 * than a round, in which the thread may have used the processor for long. */
static inline void busy_poll_pause(struct busy_poll *busy_poll, uint64_t pause, bool pays)
{
    bool is_long = busy_poll->usual > 0 && pause > busy_poll->usual;

    busy_poll->begin += pause;
    if (busy_poll->pays != pays)
        busy_poll->doubt = 0;
    else if (!is_long)
        return;
    busy_poll->pays = pays;
    busy_poll->trying = false;
    busy_poll->requests = 0;
}

/* Counts a request; `idle` says that nobody was in a hurry before it. Returns whether a round
 * begins with this request, or may: then call busy_poll_round() with the time, and with the
 * thread's time that it did not wait for a processor: it had one, or slept. Reading the
 * thread's clock for each request would cost too much. */
bool busy_poll_count(struct busy_poll *busy_poll, bool idle);
void busy_poll_round(struct busy_poll *busy_poll, uint64_t now, uint64_t used);

#endif
