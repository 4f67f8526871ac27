// SPDX-License-Identifier: BSD-2-Clause
#include "fs/locks/deadlock.h"

#include "fs/locks/lock_waiter.h"

/* A longer circle is not looked for, as the kernel does not. */
#define DEPTH_MAX 10U

/* Nor is it when there are so many ways that looking would hold others up. */
#define STEPS_MAX 100000U

/* The processes on the way from the first one who waits. */
struct way {
    uint64_t owner; // to whom it is to lead back
    uint32_t processes[DEPTH_MAX];
    unsigned depth;
    unsigned steps;
};

static bool comes_by(const struct way *way, uint32_t process)
{
    for (unsigned i = 0; i < way->depth; i++) {
        if (way->processes[i] == process)
            return true;
    }
    return false;
}

static bool leads_back(const struct volume *volume, const struct lock_request *request,
                       struct way *way);

/* Returns whether an owner waits, and the way leads on from there. */
// NOLINTNEXTLINE(misc-no-recursion): the depth is bounded.
static bool owner_leads_back(const struct volume *volume, uint64_t owner, struct way *way)
{
    const struct lock_waiter *waiter;

    for (unsigned i = 0; i < LOCK_TURNS; i++) {
        TAILQ_FOREACH(waiter, &volume->locks->turns[i].waiters, link)
        {
            if (way->steps++ > STEPS_MAX)
                return false;
            if (waiter->request.key.owner == owner && waiter->request.key.kind == LOCK_OF_RANGES &&
                !comes_by(way, waiter->request.process) &&
                leads_back(volume, &waiter->request, way))
                return true;
        }
    }
    return false;
}

// NOLINTNEXTLINE(misc-no-recursion): the depth is bounded.
static bool leads_back(const struct volume *volume, const struct lock_request *request,
                       struct way *way)
{
    const struct lock_table *table = &volume->locks->table;
    const struct lock_entry *entry = NULL;
    bool found = false;

    if (way->depth == DEPTH_MAX || way->steps > STEPS_MAX)
        return false;
    way->processes[way->depth++] = request->process;
    while (!found && (entry = lock_table_next(table, request->key.node, entry))) {
        if (entry->kind != LOCK_OF_RANGES || entry->owner == request->key.owner ||
            !lock_ranges_forbid(&entry->ranges, request->start, request->end, request->type))
            continue;
        found = entry->owner == way->owner || owner_leads_back(volume, entry->owner, way);
    }
    way->depth--;
    return found;
}

bool deadlock_would_come(const struct volume *volume, const struct lock_request *request)
{
    struct way way = { .owner = request->key.owner };

    return request->key.kind == LOCK_OF_RANGES && leads_back(volume, request, &way);
}
