// SPDX-License-Identifier: BSD-2-Clause
#include "fs/util/memory_guard.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "fs/util/clock.h"
#include "fs/util/lock.h"
#include "lib/process/memory_room.h"

/* How old a look may be while there is room. */
#define LOOK_NANOSECONDS UINT64_C(50000000)

/* So many bytes are worth a look that is not old. */
#define LARGE (INT64_C(1) << 21)

struct memory_guard {
    _Atomic int64_t room;
    _Atomic int64_t found_room; // what it was at the last look
    _Atomic uint64_t looked;    // when
    struct lock lock;           // of the thread that looks, and of the members below
    bool found;
    struct memory_group group;
    const char *meminfo;
};

struct memory_guard *memory_guard_make(const char *meminfo)
{
    struct memory_guard *guard = calloc(1, sizeof(*guard));

    if (!guard)
        return NULL;
    lock_init(&guard->lock, LOCK_MEMORY);
    guard->meminfo = meminfo;
    return guard;
}

void memory_guard_destroy(struct memory_guard *guard)
{
    free(guard);
}

/* Looks, unless another thread has done that since. */
static void look_since(struct memory_guard *guard, uint64_t since)
{
    lock_take(&guard->lock);
    if (guard->looked <= since) {
        // Found by the process that serves: a keeper may have been moved since it mounted.
        if (!guard->found)
            memory_group_find(&guard->group);
        guard->found = true;
        guard->looked = clock_now();
        guard->found_room = memory_room(&guard->group, guard->meminfo);
        guard->room = guard->found_room;
    }
    lock_release(&guard->lock);
}

static bool take(struct memory_guard *guard, int64_t bytes)
{
    int64_t room = guard->room;

    while (room >= bytes) {
        if (atomic_compare_exchange_weak(&guard->room, &room, room - bytes))
            return true;
    }
    return false;
}

static void look_if_old(struct memory_guard *guard)
{
    uint64_t now = clock_now();

    if (now - guard->looked > LOOK_NANOSECONDS)
        look_since(guard, now - LOOK_NANOSECONDS);
}

bool memory_guard_take(struct memory_guard *guard, uint64_t bytes)
{
    int64_t wanted = bytes < INT64_MAX / 2 ? (int64_t)bytes : INT64_MAX / 2;

    // It may be more than there has ever been.
    if (wanted >= LARGE)
        look_if_old(guard);
    if (take(guard, wanted))
        return true;
    look_since(guard, clock_now());
    return take(guard, wanted);
}

void memory_guard_tick(struct memory_guard *guard)
{
    // Otherwise nobody asks how much there is.
    if (guard->room != guard->found_room)
        look_if_old(guard);
}
