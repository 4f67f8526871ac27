// SPDX-License-Identifier: BSD-2-Clause
#include "fs/switch/class_switch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fs/util/lock.h"

/* Each takes a thread. */
#define SWITCHES_MAX 4

struct class_switches {
    struct lock lock; // guards the rest
    pthread_cond_t ended;
    atomic_uint count; // read without the lock, too
    struct {
        uint64_t id; // 0: unused
        bool held_off;
    } nodes[SWITCHES_MAX];
    bool stopped;
    unsigned waiting_count;
    uint64_t waiting[CLASS_SWITCHES_WAITING];
};

struct class_switches *class_switches_make(void)
{
    struct class_switches *switches = calloc(1, sizeof(*switches));

    if (!switches)
        return NULL;
    lock_init(&switches->lock, LOCK_SWITCHES);
    pthread_cond_init(&switches->ended, NULL);
    return switches;
}

void class_switches_free(struct class_switches *switches)
{
    free(switches);
}

/* Returns the place of a node, or of none (0); -1: there is no such place. The lock is held. */
static int find_place(const struct class_switches *switches, uint64_t id)
{
    for (int i = 0; i < SWITCHES_MAX; i++) {
        if (switches->nodes[i].id == id)
            return i;
    }
    return -1;
}

bool class_switch_begin(struct class_switches *switches, uint64_t id)
{
    int place;

    lock_take(&switches->lock);
    place = switches->stopped || find_place(switches, id) >= 0 ? -1 : find_place(switches, 0);
    if (place >= 0) {
        switches->nodes[place].id = id;
        switches->nodes[place].held_off = false;
        switches->count++;
    }
    lock_release(&switches->lock);
    return place >= 0;
}

bool class_switch_is_held_off(struct class_switches *switches, uint64_t id)
{
    bool held_off;
    int place;

    lock_take(&switches->lock);
    place = find_place(switches, id);
    held_off = place >= 0 && (switches->stopped || switches->nodes[place].held_off);
    lock_release(&switches->lock);
    return held_off;
}

void class_switch_end(struct class_switches *switches, uint64_t id)
{
    int place;

    lock_take(&switches->lock);
    place = find_place(switches, id);
    if (place >= 0) {
        switches->nodes[place].id = 0;
        switches->count--;
    }
    pthread_cond_broadcast(&switches->ended);
    lock_release(&switches->lock);
}

bool class_switch_is_under_way(struct class_switches *switches, uint64_t id)
{
    bool is;

    if (switches->count == 0)
        return false;
    lock_take(&switches->lock);
    is = find_place(switches, id) >= 0;
    lock_release(&switches->lock);
    return is;
}

void class_switch_hold_off(struct class_switches *switches, uint64_t id)
{
    int place;

    lock_take(&switches->lock);
    while ((place = find_place(switches, id)) >= 0) {
        switches->nodes[place].held_off = true;
        lock_wait(&switches->lock, &switches->ended);
    }
    lock_release(&switches->lock);
}

static bool is_waiting(const struct class_switches *switches, uint64_t id)
{
    for (unsigned i = 0; i < switches->waiting_count; i++) {
        if (switches->waiting[i] == id)
            return true;
    }
    return false;
}

void class_switch_wait(struct class_switches *switches, uint64_t id)
{
    lock_take(&switches->lock);
    if (switches->waiting_count < CLASS_SWITCHES_WAITING && !is_waiting(switches, id))
        switches->waiting[switches->waiting_count++] = id;
    lock_release(&switches->lock);
}

unsigned class_switches_take_waiting(struct class_switches *switches,
                                     uint64_t ids[CLASS_SWITCHES_WAITING])
{
    unsigned count;

    lock_take(&switches->lock);
    count = switches->waiting_count;
    memcpy(ids, switches->waiting, count * sizeof(ids[0]));
    switches->waiting_count = 0;
    lock_release(&switches->lock);
    return count;
}

void class_switches_stop(struct class_switches *switches, bool stopped)
{
    lock_take(&switches->lock);
    switches->stopped = stopped;
    lock_release(&switches->lock);
}
