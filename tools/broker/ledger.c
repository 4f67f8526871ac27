// SPDX-License-Identifier: BSD-2-Clause
#include "tools/broker/ledger.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>

#include "tools/broker/descriptor.h"

struct ledger *ledger_make(uint32_t files_max)
{
    struct ledger *ledger =
        mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (ledger == MAP_FAILED)
        return NULL;
    ledger->files_max = files_max;
    return ledger;
}

static uint64_t key_of(uid_t uid, uint32_t connection)
{
    return (uint64_t)uid << 32 | connection;
}

/* How long it takes until a user is forgiven as many registrations as he may have */
#define FORGIVEN_SECONDS 3600

/* How often an entry is looked for that others are faster to take. */
#define TRIES 64

/* Finds a connection's entry, or takes one for it. NULL: others took it, or there is none left for
 * this user, as `full` then says. */
static struct ledger_entry *find_entry(struct ledger *ledger, uint64_t key, int64_t *files,
                                       bool *full)
{
    struct ledger_entry *found = NULL, *unused = NULL;
    unsigned count = 0;
    uint64_t none = 0;

    *files = 0;
    for (size_t i = 0; i < LEDGER_ENTRIES; i++) {
        struct ledger_entry *entry = &ledger->entries[i];
        uint64_t there = entry->key;

        if (there == key)
            found = entry;
        if (there == 0 && !unused)
            unused = entry;
        if (there == 0 || there >> 32 != key >> 32)
            continue;
        count++;
        *files += entry->files > 0 ? entry->files : 0;
    }
    *full = !unused || count >= LEDGER_ENTRIES_OF_USER;
    if (found || *full)
        return found;
    return atomic_compare_exchange_strong(&unused->key, &none, key) ? unused : NULL;
}

int ledger_take(struct ledger *ledger, uid_t uid, uint32_t connection)
{
    struct ledger_entry *entry = NULL;
    bool full = false;
    int64_t files = 0;

    for (int i = 0; !entry && !full && i < TRIES; i++)
        entry = find_entry(ledger, key_of(uid, connection), &files, &full);
    if (!entry || files >= ledger->files_max)
        return -EMFILE;
    entry->files++;
    return 0;
}

void ledger_give(struct ledger *ledger, uid_t uid, uint32_t connection)
{
    uint64_t key = key_of(uid, connection);

    for (size_t i = 0; i < LEDGER_ENTRIES; i++) {
        if (ledger->entries[i].key == key) {
            ledger->entries[i].files--;
            return;
        }
    }
}

/* Finds what a user has of mounts that have gone. */
static struct ledger_entry *find_gone(struct ledger *ledger, uid_t uid)
{
    for (size_t i = 0; i < LEDGER_ENTRIES; i++) {
        if (ledger->entries[i].key == key_of(uid, 0))
            return &ledger->entries[i];
    }
    return NULL;
}

/* Counts what a connection had as its user's, now that it has gone. */
static void note_gone(struct ledger *ledger, struct ledger_entry *entry)
{
    uid_t uid = (uid_t)(entry->key >> 32);
    struct ledger_entry *gone = find_gone(ledger, uid);

    if (gone) {
        gone->files += entry->files > 0 ? entry->files : 0;
        entry->files = 0;
        entry->key = 0;
    } else {
        entry->key = key_of(uid, 0);
    }
}

static void forgive(struct ledger_entry *entry, int64_t files)
{
    entry->files = entry->files > files ? entry->files - (int32_t)files : 0;
    if (entry->files == 0)
        entry->key = 0;
}

void ledger_sweep(struct ledger *ledger, int connections, uint64_t now)
{
    uint64_t seconds = ledger->forgiven ? now - ledger->forgiven : 0;
    int64_t files = (int64_t)(seconds * ledger->files_max / FORGIVEN_SECONDS);

    if (files > 0 || !ledger->forgiven)
        ledger->forgiven = now;
    for (size_t i = 0; i < LEDGER_ENTRIES; i++) {
        struct ledger_entry *entry = &ledger->entries[i];
        uint64_t key = entry->key;

        if (key == 0)
            continue;
        if ((uint32_t)key == 0)
            forgive(entry, files);
        else if (!connections_has(connections, (uint32_t)key, (uid_t)(key >> 32)))
            note_gone(ledger, entry);
    }
}
