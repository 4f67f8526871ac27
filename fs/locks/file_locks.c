// SPDX-License-Identifier: BSD-2-Clause
#include "fs/locks/file_locks.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/locks/lock_descriptor.h"
#include "fs/locks/lock_queue.h"

int file_locks_init(struct volume *volume)
{
    struct file_locks *locks = calloc(1, sizeof(*locks));

    if (!locks)
        return -ENOMEM;
    for (unsigned i = 0; i < LOCK_TURNS; i++) {
        lock_init(&locks->turns[i].lock, LOCK_TURN);
        TAILQ_INIT(&locks->turns[i].waiters);
    }
    lock_init(&locks->lock, LOCK_FILE_LOCKS);
    lock_condition_init(&locks->woken);
    volume->locks = locks;
    return 0;
}

void file_locks_destroy(struct volume *volume)
{
    if (volume->locks)
        lock_table_destroy(&volume->locks->table);
    free(volume->locks);
    volume->locks = NULL;
}

int file_locks_create(struct volume *volume)
{
    int error = lock_table_create(&volume->locks->table);

    if (!error)
        state_set_locks(volume->state, volume->locks->table.memfd);
    return error;
}

int file_locks_attach(struct volume *volume, int memfd)
{
    return lock_table_attach(&volume->locks->table, memfd);
}

bool file_locks_keep(struct volume *volume)
{
    return lock_table_keep(&volume->locks->table, &volume->nodes);
}

int file_locks_start(struct volume *volume, size_t stack_bytes)
{
    return volume_forwards_locks(volume) ? lock_queue_start(volume, stack_bytes) : 0;
}

uint64_t file_locks_new_opening(struct volume *volume)
{
    return volume_forwards_locks(volume) ? lock_table_number(&volume->locks->table) : 0;
}

/* Returns whether a request waits until it can be carried out. What cannot be asked for now may be
 * asked for in a moment; but whoever gives something up waits for nobody. */
static bool may_wait(const struct lock_request *request, int error)
{
    return error == -EAGAIN || (error == -ENOTCONN && request->type != F_UNLCK);
}

int file_locks_set(struct volume *volume, const struct lock_request *request,
                   const struct fuse_in_header *waits)
{
    struct lock_turn *turn = lock_turn_of(volume, request->key.node);
    int error;

    lock_take(&turn->lock);
    error = lock_descriptor_set(volume, request);
    if (waits && may_wait(request, error)) {
        error = lock_queue_add(volume, request, waits);
        error = error ? error : FILE_LOCK_WAITS;
    } else if (!error && request->type != F_WRLCK) {
        lock_queue_try(volume, turn, request->key.node);
    }
    lock_release(&turn->lock);
    return error;
}

/* Finds the process of this host that has a lock which was found; 0: none. */
static uint32_t find_process(struct volume *volume, const struct lock_request *request,
                             const struct flock *found)
{
    struct file_locks *locks = volume->locks;
    const struct lock_entry *entry = NULL;
    uint32_t process = 0;

    lock_take(&locks->lock);
    while (!process && (entry = lock_table_next(&locks->table, request->key.node, entry))) {
        if (entry->kind == request->key.kind && entry->owner != request->key.owner &&
            lock_ranges_forbid(&entry->ranges, found->l_start, found->l_start, request->type))
            process = entry->process;
    }
    lock_release(&locks->lock);
    return process;
}

int file_locks_test(struct volume *volume, const struct lock_request *request, struct flock *found)
{
    struct lock_turn *turn = lock_turn_of(volume, request->key.node);
    int error;

    lock_take(&turn->lock);
    error = lock_descriptor_test(volume, request, found);
    if (!error && found->l_type != F_UNLCK)
        found->l_pid = (pid_t)find_process(volume, request, found);
    lock_release(&turn->lock);
    return error;
}

/* Finds an entry of a file that goes with an owner's close (0: any owner's), or with an open. */
static struct lock_entry *find_ended(struct volume *volume, uint64_t node, uint64_t owner,
                                     uint64_t opening)
{
    struct file_locks *locks = volume->locks;
    struct lock_entry *entry = NULL;

    lock_take(&locks->lock);
    while ((entry = lock_table_next(&locks->table, node, entry)) &&
           !(opening ? entry->opening == opening
                     : entry->owner == owner && entry->kind == LOCK_OF_RANGES))
        ;
    lock_release(&locks->lock);
    return entry;
}

static void end_entries(struct volume *volume, uint64_t node, uint64_t owner, uint64_t opening)
{
    struct lock_turn *turn;
    struct lock_entry *entry;
    bool any = false;

    // Most files have no locks, and an owner has one call at a time that could take some.
    if (!volume_forwards_locks(volume) || !find_ended(volume, node, owner, opening))
        return;
    turn = lock_turn_of(volume, node);
    lock_take(&turn->lock);
    while ((entry = find_ended(volume, node, owner, opening))) {
        lock_descriptor_close(volume, entry);
        any = true;
    }
    if (any)
        lock_queue_try(volume, turn, node);
    lock_release(&turn->lock);
}

void file_locks_owner_closed(struct volume *volume, uint64_t node, uint64_t owner)
{
    end_entries(volume, node, owner, 0);
}

void file_locks_opening_ended(struct volume *volume, uint64_t node, uint64_t opening)
{
    if (opening)
        end_entries(volume, node, 0, opening);
}

void file_locks_count(const struct volume *volume, uint64_t *owners, uint64_t *waiting)
{
    struct file_locks *locks = volume->locks;

    lock_take(&locks->lock);
    *owners = lock_table_count(&locks->table);
    *waiting = locks->waiting;
    lock_release(&locks->lock);
}

void file_locks_interrupt(struct volume *volume, uint64_t unique)
{
    lock_queue_interrupt(volume, unique);
}
