// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/modules.h"

#include <errno.h>

#include "fs/broker/registrar.h"
#include "fs/inode/backing.h"
#include "fs/inode/deferred_close.h"
#include "fs/inode/impersonate.h"
#include "fs/inode/orphans.h"
#include "fs/inode/reopen.h"
#include "fs/journal/volume_journal.h"
#include "fs/lifetime/last_close.h"
#include "fs/locks/file_locks.h"
#include "fs/outage/store_watch.h"
#include "fs/state/request_counts.h"
#include "fs/switch/class_switch.h"
#include "fs/vfs/attr.h"
#include "fs/vfs/hold.h"
#include "fs/vfs/pending_invalidation.h"
#include "fs/vfs/size_notify.h"

static int memory_init(struct volume *volume)
{
    volume->memory = memory_guard_make(MEMORY_MEMINFO);
    return volume->memory ? 0 : -ENOMEM;
}

static void memory_destroy(struct volume *volume)
{
    memory_guard_destroy(volume->memory);
    volume->memory = NULL;
}

static int counts_init(struct volume *volume)
{
    volume->counts = request_counts_make();
    return volume->counts ? 0 : -ENOMEM;
}

static void counts_destroy(struct volume *volume)
{
    request_counts_destroy(volume->counts);
    volume->counts = NULL;
}

static int registrar_init(struct volume *volume)
{
    volume->registrar = registrar_make();
    return volume->registrar ? 0 : -ENOMEM;
}

static void registrar_end(struct volume *volume)
{
    registrar_destroy(volume->registrar);
    volume->registrar = NULL;
}

static int switches_init(struct volume *volume)
{
    volume->switches = class_switches_make();
    return volume->switches ? 0 : -ENOMEM;
}

static void switches_destroy(struct volume *volume)
{
    class_switches_free(volume->switches);
    volume->switches = NULL;
}

static const struct {
    int (*init)(struct volume *volume);
    void (*destroy)(struct volume *volume); // also of what init() did not come to make
} MODULES[] = {
    { registrar_init, registrar_end },
    { backing_init, backing_destroy },
    { counts_init, counts_destroy },
    { deferred_close_init, deferred_close_destroy },
    { impersonate_init, impersonate_destroy },
    { memory_init, memory_destroy },
    { orphans_init, orphans_destroy },
    { reopen_init, reopen_destroy },
    { attr_init, attr_destroy },
    { pending_invalidation_init, pending_invalidation_destroy },
    { last_close_init, last_close_destroy },
    { hold_init, hold_destroy },
    { file_locks_init, file_locks_destroy },
    { size_notify_init, size_notify_destroy },
    { volume_journal_init, volume_journal_destroy },
    { switches_init, switches_destroy },
    { store_watch_init, store_watch_destroy },
};
#define MODULE_COUNT (sizeof(MODULES) / sizeof(MODULES[0]))

int modules_init(struct volume *volume)
{
    int error = -pthread_key_create(&volume->serving, NULL);

    for (int i = 0; i < VOLUME_STRIPES; i++)
        lock_init(&volume->stripes[i], LOCK_STRIPE);
    lock_init(&volume->options, LOCK_OPTIONS);
    lock_init(&volume->class_roots, LOCK_CLASS_ROOTS);
    lock_init(&volume->own_areas, LOCK_OWN_AREAS);
    lock_init(&volume->mirrors, LOCK_MIRRORS);
    lock_init(&volume->releases.lock, LOCK_RELEASES);
    lock_condition_init(&volume->releases.one_served);
    for (size_t i = 0; !error && i < MODULE_COUNT; i++)
        error = MODULES[i].init(volume);
    if (error)
        modules_destroy(volume);
    return error;
}

void modules_destroy(struct volume *volume)
{
    for (size_t i = 0; i < MODULE_COUNT; i++)
        MODULES[i].destroy(volume);
}
