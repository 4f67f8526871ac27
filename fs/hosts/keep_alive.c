// SPDX-License-Identifier: BSD-2-Clause
#include "fs/hosts/keep_alive.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "fs/hosts/presence.h"
#include "fs/inode/impersonate.h"
#include "fs/inode/inode.h"
#include "fs/options/options.h"
#include "fs/util/clock.h"
#include "lib/object/object.h"

#define SECOND UINT64_C(1000000000)

/* How long the end of a mount waits for the thread. */
#define END_SECONDS 2

struct keep_alive {
    pthread_t thread;
    struct lock lock;
    pthread_cond_t woken;
    bool over;
    atomic_uint hosts;
};

/* Asks the servers about a file, if it is one of the store. Their answer does not matter here. */
static void ask_about(struct volume *volume, uint64_t id)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;

    if (inode_hold(volume, id, &inode) == 0 && inode.ref.area == AREA_STORE &&
        inode_is_regular(&inode) && inode_need_fd(&inode) == 0)
        object_stat(inode.fd, &stx);
}

static void ask_about_all(struct volume *volume, const struct keep_alive *own)
{
    uint32_t slot = 0;
    uint64_t id;

    while (!own->over && (id = node_next_used(&volume->nodes, &slot)))
        ask_about(volume, id);
}

/* Waits for the next round, `period` seconds long; 0: the hosts are still counted now and then.
 * Returns false at the end. */
static bool wait_for_round(struct keep_alive *own, unsigned period)
{
    unsigned seconds = period > 0 ? period : KEEP_ALIVE_DEFAULT;
    struct timespec until = clock_deadline((long)seconds * (long)SECOND);
    int error = 0;
    bool over;

    lock_take(&own->lock);
    while (!own->over && error != ETIMEDOUT)
        error = lock_wait_until(&own->lock, &own->woken, &until);
    over = own->over;
    lock_release(&own->lock);
    return !over;
}

static void *keeping_alive(void *argument)
{
    struct volume *volume = argument;
    struct keep_alive *own = volume->keep_alive;

    do {
        own->hosts = presence_count(volume);
        if (volume->state->keep_alive > 0)
            ask_about_all(volume, own);
    } while (wait_for_round(own, volume->state->keep_alive));
    return NULL;
}

int keep_alive_start(struct volume *volume)
{
    struct keep_alive *own;
    int error;

    if (!volume_is_shared(volume))
        return 0;
    own = calloc(1, sizeof(*own));
    if (!own)
        return -ENOMEM;
    lock_init(&own->lock, LOCK_KEEP_ALIVE);
    lock_condition_init(&own->woken);
    volume->keep_alive = own;
    // The new thread has the identity of this one.
    impersonate_none(volume);
    error = pthread_create(&own->thread, NULL, keeping_alive, volume);
    if (error) {
        volume->keep_alive = NULL;
        free(own);
    }
    return -error;
}

bool keep_alive_end(struct volume *volume)
{
    struct keep_alive *own = volume->keep_alive;
    struct timespec until;

    if (!own)
        return true;
    lock_take(&own->lock);
    own->over = true;
    pthread_cond_signal(&own->woken);
    lock_release(&own->lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_SECONDS;
    if (pthread_timedjoin_np(own->thread, NULL, &until) != 0)
        return false;
    volume->keep_alive = NULL;
    free(own);
    return true;
}

unsigned keep_alive_hosts(const struct volume *volume)
{
    return volume->keep_alive ? volume->keep_alive->hosts : 0;
}
