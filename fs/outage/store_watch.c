// SPDX-License-Identifier: BSD-2-Clause
#include "fs/outage/store_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>

#include "fs/inode/inode.h"
#include "fs/util/checksum.h"
#include "fs/util/clock.h"
#include "fs/util/log.h"
#include "fs/util/ticker.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/pending_invalidation.h"
#include "lib/object/object.h"

/* A store counts as silent when it has not answered for so long. A busy machine may keep the thread
 * from its processor for a while. */
#define SILENCE_NANOSECONDS UINT64_C(2000000000)

/* So often the thread looks at a store that requests wait for. */
#define AGAIN_NANOSECONDS UINT64_C(1000000000)

#define XATTR_ACL "system.posix_acl_access"

struct store_watch {
    struct lock lock; // guards the rest
    pthread_cond_t wanted, looked;
    bool started;
    bool settles;      // files of the store are to be looked after (pending_invalidation.h)
    uint64_t asked;    // looks that were asked for
    uint64_t done;     // that were made
    uint64_t since;    // when the call began that the thread is at; 0: it is at none
    uint64_t finished; // when the last one ended
    struct store_look last;
    struct stat root; // of the look
};

int store_watch_init(struct volume *volume)
{
    struct store_watch *watch = calloc(1, sizeof(*watch));

    if (!watch)
        return -ENOMEM;
    lock_init(&watch->lock, LOCK_STORE_WATCH);
    pthread_cond_init(&watch->wanted, NULL);
    lock_condition_init(&watch->looked);
    volume->store_watch = watch;
    return 0;
}

void store_watch_destroy(struct volume *volume)
{
    // The thread lasts as long as the process.
    if (volume->store_watch && !volume->store_watch->started)
        free(volume->store_watch);
    volume->store_watch = NULL;
}

static uint64_t check_root(const struct stat *st)
{
    return checksum_bytes(CHECKSUM_BYTES, st, sizeof(*st));
}

/* The lock is held. */
static void note_root(struct state *state, const struct stat *st)
{
    state_outage(state)->root = *st;
    state_outage(state)->root_check = check_root(st);
}

void store_watch_note_root(struct volume *volume, const struct stat *st)
{
    lock_take(&volume->store_watch->lock);
    note_root(volume->state, st);
    lock_release(&volume->store_watch->lock);
}

bool store_watch_root(struct volume *volume, struct stat *st)
{
    bool known;

    lock_take(&volume->store_watch->lock);
    *st = state_outage(volume->state)->root;
    // It is in shared memory, where a process may have died while it noted them.
    known = st->st_ino != 0 && state_outage(volume->state)->root_check == check_root(st);
    lock_release(&volume->store_watch->lock);
    return known;
}

/* Notes that the store has not answered since a time. The lock is held. */
static void fall_silent(struct volume *volume, uint64_t since)
{
    uint64_t seconds = (clock_now() - since) / 1000000000;

    if (store_watch_is_silent(volume))
        return;
    state_outage(volume->state)->silent = (uint64_t)time(NULL) - seconds;
    log_event(LOG_WARNING,
              "STORE %s does not answer; the RAM area and the status of the mount at %s go on, and "
              "whoever needs the store waits",
              volume->info.store, volume->info.mountpoint);
}

/* The lock is held. */
static void speak_again(struct volume *volume)
{
    uint64_t since = state_outage(volume->state)->silent;

    if (since == 0)
        return;
    state_outage(volume->state)->silent = 0;
    log_event(LOG_NOTICE, "STORE %s answers again, after %ju s", volume->info.store,
              (uintmax_t)((uint64_t)time(NULL) - since));
}

/* Makes the calls that may take for ever. */
static void look_at_store(struct volume *volume, struct store_look *look, struct stat *root)
{
    const struct area *store = volume_area(volume, AREA_STORE);
    struct inode as_root = { .volume = volume, .ref = { .tree = AREA_STORE } };
    struct statx stx;

    *look = (struct store_look){ .error = -object_stat(store->root, &stx) };
    if (!look->error && fstatvfs(store->root, &look->vfs) != 0)
        look->error = errno;
    look->known = !look->error;
    if (look->error)
        return;
    as_root.ref.ino = stx.stx_ino;
    attr_to_stat(&as_root, &stx, root);
    store_watch_note_acl(volume, fgetxattr(store->root, XATTR_ACL, NULL, 0) < 0 &&
                                     (errno == ENODATA || errno == EOPNOTSUPP));
}

/* Takes over what was seen. The lock is held. */
static void take_look(struct volume *volume, const struct store_look *look, const struct stat *root)
{
    struct store_watch *watch = volume->store_watch;

    if (look->known) {
        watch->last = *look;
        note_root(volume->state, root);
    }
    watch->last.error = look->error;
    speak_again(volume);
}

bool store_watch_is_outage(int error)
{
    switch (-error) {
    case EIO:
    case ENODEV:
    case ENXIO:
    case ENOTCONN:
    case ECONNABORTED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ESHUTDOWN:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

/* The lock is held. */
static void ask_for_look(struct store_watch *watch)
{
    watch->asked++;
    pthread_cond_signal(&watch->wanted);
}

/* Looks once. The lock is held, but for the calls. */
static void look_once(struct volume *volume)
{
    struct store_watch *watch = volume->store_watch;
    uint64_t asked = watch->asked;
    struct store_look look;
    struct stat root;

    lock_release(&watch->lock);
    look_at_store(volume, &look, &root);
    lock_take(&watch->lock);
    take_look(volume, &look, &root);
    watch->finished = clock_now();
    watch->done = asked;
    pthread_cond_broadcast(&watch->looked);
}

/* Looks after files of the store. The lock is held, but for the calls. */
static void settle_once(struct volume *volume)
{
    struct store_watch *watch = volume->store_watch;
    bool more = true;

    watch->settles = false;
    for (uint32_t left = volume->state->pending.count; left > 0 && more; left--) {
        watch->since = clock_now();
        lock_release(&watch->lock);
        more = pending_invalidation_settle_one(volume, true);
        lock_take(&watch->lock);
    }
    if (store_watch_is_silent(volume))
        ask_for_look(watch);
}

static _Noreturn void *watch_store(void *argument)
{
    struct volume *volume = argument;
    struct store_watch *watch = volume->store_watch;

    lock_take(&watch->lock);
    for (;;) {
        while (watch->asked == watch->done && !watch->settles)
            lock_wait(&watch->lock, &watch->wanted);
        watch->since = clock_now();
        if (watch->asked != watch->done)
            look_once(volume);
        else
            settle_once(volume);
        watch->since = 0;
    }
}

int store_watch_start(struct volume *volume, size_t stack_bytes)
{
    struct store_watch *watch = volume->store_watch;
    pthread_attr_t attributes;
    pthread_t thread;
    int error;

    if (volume_area(volume, AREA_STORE)->root < 0)
        return 0;
    lock_take(&watch->lock);
    // A store that was silent is looked at anew.
    ask_for_look(watch);
    lock_release(&watch->lock);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_bytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    error = pthread_create(&thread, &attributes, watch_store, volume);
    pthread_attr_destroy(&attributes);
    watch->started = error == 0;
    return -error;
}

void store_watch_look(struct volume *volume, struct store_look *look)
{
    struct store_watch *watch = volume->store_watch;
    struct timespec until = clock_deadline((long)SILENCE_NANOSECONDS);
    uint64_t wanted;
    int waited = 0;

    lock_take(&watch->lock);
    // One that was asked for before may have been answered before, too.
    if (watch->asked == watch->done || watch->since)
        ask_for_look(watch);
    wanted = watch->asked;
    while (watch->started && watch->done < wanted && waited == 0 && !store_watch_is_silent(volume))
        waited = lock_wait_until(&watch->lock, &watch->looked, &until);
    if (watch->since && clock_now() - watch->since >= SILENCE_NANOSECONDS)
        fall_silent(volume, watch->since);
    *look = watch->last;
    look->answered = watch->done >= wanted;
    lock_release(&watch->lock);
}

void store_watch_suspect(struct volume *volume)
{
    struct store_watch *watch = volume->store_watch;

    lock_take(&watch->lock);
    if (watch->asked == watch->done && clock_now() - watch->finished >= AGAIN_NANOSECONDS)
        ask_for_look(watch);
    lock_release(&watch->lock);
}

bool store_watch_tick(struct volume *volume)
{
    struct store_watch *watch = volume->store_watch;
    bool settles = pending_invalidation_waits(volume, true);
    bool at_work;

    lock_take(&watch->lock);
    if (settles && pending_invalidation_is_due(volume) && watch->started && !watch->settles &&
        !watch->since) {
        watch->settles = true;
        pthread_cond_signal(&watch->wanted);
    }
    at_work = settles || watch->asked != watch->done;
    if (watch->since && clock_now() - watch->since >= SILENCE_NANOSECONDS)
        fall_silent(volume, watch->since);
    lock_release(&watch->lock);
    return watch->started && at_work;
}
