// SPDX-License-Identifier: BSD-2-Clause
#include "fs/sync/saver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/journal/save_times.h"
#include "fs/journal/volume_journal.h"
#include "fs/outage/store_watch.h"
#include "fs/switch/class_switch.h"
#include "fs/sync/sync_child.h"
#include "fs/util/log.h"
#include "lib/sys/cleanup.h"

static unsigned interval_of(struct volume *volume, uint64_t id)
{
    INODE struct inode inode = INODE_NONE;

    if (inode_hold(volume, id, &inode) != 0 || !inode_is_regular(&inode) ||
        !inode_class(&inode)->works_in_ram)
        return 0;
    return inode.ref.policy & COMMIT_INTERVAL;
}

/* Finds the files that are due in a second. */
static void find_due(struct volume *volume, uint64_t second, struct node_list *due,
                     struct save_intervals *found)
{
    uint32_t slot = 0;
    uint64_t id;

    while ((id = node_next_writer(&volume->nodes, &slot))) {
        unsigned interval = interval_of(volume, id);

        if (!save_is_due(second, interval))
            continue;
        save_intervals_add(found, interval);
        // One for which there is no memory is due again later.
        node_list_add(due, id);
    }
}

static void save_due(struct mount *mount, uint64_t second)
{
    struct save_times *times = volume_journal_save_times(&mount->volume);
    CLEANUP_FREE struct save_intervals *found = calloc(1, sizeof(*found));
    struct node_list due = { .count = 0 };
    int error;

    if (!found)
        return;
    // The thread may be awake for a class alone (switch_waiting).
    if (mount->volume.state->caches_class)
        find_due(&mount->volume, second, &due, found);
    save_times_found(times, second, found);
    error = due.count > 0 ? sync_child_files(mount, &due, true) : 0;
    free(due.ids);
    if (error)
        log_event(LOG_WARNING, "not all files could be saved that were due: %s", strerror(-error));
}

/* Changes the classes of files that could not change when nobody had them open any more. */
static void switch_waiting(struct volume *volume)
{
    uint64_t ids[CLASS_SWITCHES_WAITING];
    unsigned count = class_switches_take_waiting(volume->switches, ids);

    for (unsigned i = 0; i < count; i++) {
        INODE struct inode inode = INODE_NONE;

        if (inode_hold(volume, ids[i], &inode) == 0 && inode_class(&inode)->change)
            inode_class(&inode)->change(&inode);
    }
}

static void *saving_thread(void *argument)
{
    struct mount *mount = argument;
    struct save_times *times = volume_journal_save_times(&mount->volume);
    uint64_t second;

    while ((second = save_times_wait(times))) {
        save_due(mount, second);
        // Those that have to wait on note that once more.
        switch_waiting(&mount->volume);
    }
    return NULL;
}

/* Notes the intervals of files that are open already, after a worker's death. */
static void note_open(struct volume *volume)
{
    struct save_times *times = volume_journal_save_times(volume);
    uint32_t slot = 0;
    uint64_t id;

    while (volume->state->caches_class && (id = node_next_writer(&volume->nodes, &slot))) {
        unsigned interval = interval_of(volume, id);

        if (interval > 0)
            save_times_note(times, interval);
    }
}

int saver_start(struct mount *mount)
{
    int error;

    if (volume_area(&mount->volume, AREA_STORE)->root < 0)
        return 0;
    note_open(&mount->volume);
    class_switches_stop(mount->volume.switches, false);
    error = pthread_create(&mount->saver, NULL, saving_thread, mount);
    mount->saves = error == 0;
    return -error;
}

void saver_end(struct mount *mount)
{
    struct store_look look;

    if (!mount->saves)
        return;
    mount->saves = false;
    store_watch_look(&mount->volume, &look);
    if (!look.answered) {
        // The thread would wait for it, and the process may, too.
        log_event(
            LOG_WARNING,
            "the mount at %s ends while STORE %s does not answer: what was written to it last "
            "may not be on its disk, and calls that wait for it are not carried out",
            mount->volume.info.mountpoint, mount->volume.info.store);
        return;
    }
    class_switches_stop(mount->volume.switches, true);
    save_times_end(volume_journal_save_times(&mount->volume));
    pthread_join(mount->saver, NULL);
}
