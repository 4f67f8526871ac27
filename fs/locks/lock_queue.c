// SPDX-License-Identifier: BSD-2-Clause
#include "fs/locks/lock_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/impersonate.h"
#include "fs/locks/deadlock.h"
#include "fs/locks/lock_descriptor.h"
#include "fs/locks/lock_waiter.h"
#include "fs/notice/passed_error.h"
#include "fs/util/clock.h"
#include "fs/util/log.h"

/* The store is asked after this part of the time that somebody has waited, within bounds: a wait
 * becomes that much longer, and asking costs next to nothing. */
#define WAITED_FRACTION  100
#define LOOK_NANOSECONDS UINT64_C(1000000)
#define LOOK_MAX         UINT64_C(25000000)

/* When a server goes, GlusterFS' client may take so long to do without it. Until then it fails, and
 * whoever waits for a lock need not be told. */
#define UNREACHED_MAX UINT64_C(2000000000)

/* So long somebody waits behind others who wait for what he wants, too. After that he is tried all
 * the same: they may wait for him by a way that is not looked for, over others or other files. */
#define BEHIND_MAX UINT64_C(1000000000)

/* Of those who wait for locks of one turn, so many are tried at a time. */
#define TRIED_MAX 64U

/* Tells the kernel how a wait has ended. If its client is gone, so are the client's files, and the
 * locks with them. */
static void answer(struct volume *volume, const struct lock_waiter *waiter, int error)
{
    struct fuse_out_header reply = { .len = sizeof(reply),
                                     .error = -passed_error(-error),
                                     .unique = waiter->unique };

    if (write(volume->info.device, &reply, sizeof(reply)) != sizeof(reply) && errno != ENOENT)
        log_event(LOG_WARNING, "the kernel did not accept the answer to a wait for a lock: %s",
                  strerror(errno));
    life_answered(&volume->state->life);
}

/* Answers a request that was taken off the queue. */
static void finish(struct volume *volume, struct lock_waiter *waiter, int error)
{
    answer(volume, waiter, error);
    if (waiter->place >= 0)
        parking_free(&volume->parking, waiter->place);
    free(waiter);
}

static bool is_of_store(const struct file_locks *locks, const struct lock_turn *turn)
{
    return turn - locks->turns >= (ptrdiff_t)(LOCK_TURNS / 2);
}

static void take_off(struct file_locks *locks, struct lock_turn *turn, struct lock_waiter *waiter)
{
    TAILQ_REMOVE(&turn->waiters, waiter, link);
    locks->waiting--;
    locks->of_store -= is_of_store(locks, turn);
}

static bool was_interrupted(const struct file_locks *locks, uint64_t unique)
{
    for (unsigned i = 0; i < LOCK_INTERRUPTS; i++) {
        if (locks->interrupts[i] == unique)
            return true;
    }
    return false;
}

static void note_wait(struct file_locks *locks, struct lock_turn *turn, struct lock_waiter *waiter)
{
    uint64_t look = waiter->since + LOOK_NANOSECONDS;

    if (TAILQ_EMPTY(&turn->waiters))
        turn->unreached = 0;
    if (TAILQ_EMPTY(&turn->waiters) || look < turn->look)
        turn->look = look;
    TAILQ_INSERT_TAIL(&turn->waiters, waiter, link);
    locks->waiting++;
    if (!is_of_store(locks, turn))
        return;
    locks->of_store++;
    pthread_cond_signal(&locks->woken);
}

int lock_queue_add(struct volume *volume, const struct lock_request *request,
                   const struct fuse_in_header *header)
{
    struct file_locks *locks = volume->locks;
    struct lock_turn *turn = lock_turn_of(volume, request->key.node);
    struct lock_waiter *waiter = calloc(1, sizeof(*waiter));
    int error = waiter ? 0 : -ENOLCK;

    if (waiter) {
        *waiter = (struct lock_waiter){ .request = *request,
                                        .unique = header->unique,
                                        .since = clock_now() };
        waiter->place = parking_put(&volume->parking, header, false);
        if (waiter->place < 0)
            error = -ENOLCK;
    }
    lock_take(&locks->lock);
    if (!error && was_interrupted(locks, header->unique))
        error = -EINTR;
    if (!error && deadlock_would_come(volume, request))
        error = -EDEADLK;
    if (!error)
        note_wait(locks, turn, waiter);
    lock_release(&locks->lock);
    if (!error)
        return 0;
    if (waiter && waiter->place >= 0)
        parking_free(&volume->parking, waiter->place);
    free(waiter);
    return error;
}

/* Those who were tried, and wait on. */
struct tried {
    struct lock_request requests[TRIED_MAX];
    unsigned count;
};

/* Returns whether somebody would only come to what one before him waits for. But nobody waits
 * behind one who waits for what he has himself: that would last for ever. The lock is held. */
static bool is_behind(const struct file_locks *locks, const struct lock_waiter *waiter,
                      const struct tried *tried)
{
    const struct lock_request *request = &waiter->request;
    const struct lock_entry *has = lock_table_find(&locks->table, &request->key);

    if (clock_now() - waiter->since > BEHIND_MAX)
        return false;
    for (unsigned i = 0; i < tried->count; i++) {
        const struct lock_request *other = &tried->requests[i];

        if (lock_requests_conflict(request, other) &&
            !(has && lock_ranges_forbid(&has->ranges, other->start, other->end, other->type)))
            return true;
    }
    return false;
}

/* Finds the next one to try, and marks it: it stays in the queue. The lock is held. */
static struct lock_waiter *next_to_try(const struct file_locks *locks, struct lock_waiter *waiter,
                                       uint64_t node, const struct tried *tried)
{
    if (tried->count == TRIED_MAX)
        return NULL;
    while (waiter &&
           ((node && waiter->request.key.node != node) || is_behind(locks, waiter, tried)))
        waiter = TAILQ_NEXT(waiter, link);
    if (waiter)
        waiter->trying = true;
    return waiter;
}

/* Returns whether a waiter waits on though the store could not be asked. All of a turn are told at
 * the same time; but the descriptor of one may fail alone. */
static bool outwaits(struct lock_turn *turn, struct lock_waiter *waiter, int error)
{
    uint64_t now = clock_now();

    if (error != -ENOTCONN) {
        turn->unreached = waiter->unreached = 0;
        return false;
    }
    if (!turn->unreached)
        turn->unreached = now;
    if (!waiter->unreached)
        waiter->unreached = now;
    return now - turn->unreached < UNREACHED_MAX && now - waiter->unreached < UNREACHED_MAX;
}

/* Notes how a try came out. Returns what the request is answered with; -EAGAIN: it waits on. */
static int settle(struct file_locks *locks, struct lock_turn *turn, struct lock_waiter *waiter,
                  int error, struct tried *tried)
{
    waiter->trying = false;
    if (outwaits(turn, waiter, error))
        error = -EAGAIN;
    if (error == -EAGAIN && waiter->interrupted)
        error = -EINTR;
    if (error == -EAGAIN)
        tried->requests[tried->count++] = waiter->request;
    else
        take_off(locks, turn, waiter);
    return error;
}

void lock_queue_try(struct volume *volume, struct lock_turn *turn, uint64_t node)
{
    struct file_locks *locks = volume->locks;
    struct tried tried = { .count = 0 };
    struct lock_waiter *waiter, *behind;
    int error;

    lock_take(&locks->lock);
    waiter = next_to_try(locks, TAILQ_FIRST(&turn->waiters), node, &tried);
    lock_release(&locks->lock);
    for (; waiter; waiter = behind) {
        error = lock_descriptor_set(volume, &waiter->request);
        lock_take(&locks->lock);
        behind = TAILQ_NEXT(waiter, link);
        error = settle(locks, turn, waiter, error, &tried);
        behind = next_to_try(locks, behind, node, &tried);
        lock_release(&locks->lock);
        if (error != -EAGAIN)
            finish(volume, waiter, error);
    }
}

/* Finds a request in the queue. The lock is held. */
static struct lock_waiter *find_waiter(struct file_locks *locks, uint64_t unique,
                                       struct lock_turn **turn)
{
    struct lock_waiter *waiter;

    for (unsigned i = 0; i < LOCK_TURNS; i++) {
        *turn = &locks->turns[i];
        TAILQ_FOREACH(waiter, &(*turn)->waiters, link)
        {
            if (waiter->unique == unique)
                return waiter;
        }
    }
    return NULL;
}

void lock_queue_interrupt(struct volume *volume, uint64_t unique)
{
    struct file_locks *locks = volume->locks;
    struct lock_waiter *waiter;
    struct lock_turn *turn;

    lock_take(&locks->lock);
    waiter = find_waiter(locks, unique, &turn);
    if (!waiter) {
        // The request may be about to come to the queue.
        locks->interrupts[locks->next_interrupt++ % LOCK_INTERRUPTS] = unique;
    } else if (waiter->trying) {
        waiter->interrupted = true;
        waiter = NULL;
    } else {
        take_off(locks, turn, waiter);
    }
    lock_release(&locks->lock);
    if (waiter)
        finish(volume, waiter, -EINTR);
}

/* Returns when the store is asked again for those of a turn. The lock is held. */
static uint64_t next_look(const struct lock_turn *turn)
{
    const struct lock_waiter *last = TAILQ_LAST(&turn->waiters, lock_waiters);
    uint64_t now = clock_now();
    uint64_t wait = last ? (now - last->since) / WAITED_FRACTION : 0;

    if (wait < LOOK_NANOSECONDS)
        wait = LOOK_NANOSECONDS;
    return now + (wait < LOOK_MAX ? wait : LOOK_MAX);
}

/* Returns the turn of the store's that is looked at first; NULL: nobody waits. The lock is held. */
static struct lock_turn *first_turn(struct file_locks *locks)
{
    struct lock_turn *first = NULL;

    for (unsigned i = LOCK_TURNS / 2; i < LOCK_TURNS; i++) {
        struct lock_turn *turn = &locks->turns[i];

        if (!TAILQ_EMPTY(&turn->waiters) && (!first || turn->look < first->look))
            first = turn;
    }
    return first;
}

/* Waits until the store is to be asked for somebody. */
static struct lock_turn *await_look(struct file_locks *locks)
{
    struct lock_turn *turn;
    struct timespec until;
    uint64_t now;

    lock_take(&locks->lock);
    for (;;) {
        turn = locks->of_store > 0 ? first_turn(locks) : NULL;
        now = clock_now();
        if (turn && turn->look <= now)
            break;
        if (turn) {
            until = clock_deadline((long)(turn->look - now));
            lock_wait_until(&locks->lock, &locks->woken, &until);
        } else {
            lock_wait(&locks->lock, &locks->woken);
        }
    }
    lock_release(&locks->lock);
    return turn;
}

static void *asking_thread(void *argument)
{
    struct volume *volume = argument;
    struct file_locks *locks = volume->locks;

    impersonate_none(volume);
    for (;;) {
        struct lock_turn *turn = await_look(locks);

        lock_take(&turn->lock);
        lock_queue_try(volume, turn, 0);
        lock_take(&locks->lock);
        turn->look = next_look(turn);
        lock_release(&locks->lock);
        lock_release(&turn->lock);
    }
    return NULL;
}

int lock_queue_start(struct volume *volume, size_t stack_bytes)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attributes, asking_thread, volume);
    pthread_attr_destroy(&attributes);
    return -error;
}
