// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/area_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/nodes/node_fd.h"
#include "fs/util/checksum.h"
#include "fs/util/fault.h"
#include "lib/sys/cleanup.h"

/* A node has a byte for the index of its area, so that this is room for all later kinds, too. */
#define ENTRIES 256
#define SIZE    (ENTRIES * sizeof(struct area_entry))

_Static_assert(AREAS <= ENTRIES, "all areas have an entry");

static int map_entries(struct area_table *table, int memfd)
{
    void *entries = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);

    if (entries == MAP_FAILED)
        return -errno;
    *table = (struct area_table){ .memfd = memfd, .entries = entries };
    return 0;
}

int area_table_create(struct area_table *table)
{
    CLEANUP_FD int memfd = memfd_create("shmapfs-areas", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error;

    if (memfd < 0 || ftruncate(memfd, SIZE) != 0 ||
        fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return -errno;
    error = map_entries(table, memfd);
    if (!error)
        steal_fd(&memfd);
    return error;
}

int area_table_attach(struct area_table *table, int memfd)
{
    struct stat st;

    if (fstat(memfd, &st) != 0 || st.st_size != SIZE)
        return -EPROTO;
    return map_entries(table, memfd);
}

static void close_entry(struct area_entry *entry)
{
    area_close(&entry->area);
    if (entry->named >= 0)
        close(entry->named);
}

void area_table_destroy(struct area_table *table)
{
    if (!table->entries)
        return;
    for (unsigned i = AREAS_OF_MOUNT; i < ENTRIES; i++) {
        if (area_table_has(table, i))
            close_entry(area_table_entry(table, i));
    }
    munmap(table->entries, SIZE);
    close(table->memfd);
    table->entries = NULL;
}

/* Sums up what does not change while an entry is in use. */
static uint64_t entry_check(const struct area_entry *entry)
{
    uint64_t sum = checksum_bytes(CHECKSUM_BYTES, &entry->area, sizeof(entry->area));

    return checksum_bytes(sum, &entry->ino,
                          offsetof(struct area_entry, words) - offsetof(struct area_entry, ino));
}

static void set_state(struct area_entry *entry, enum area_state state)
{
    atomic_store_explicit(&entry->state, state, memory_order_release);
}

static void for_each_descriptor(const struct area_entry *entry, struct node_table *nodes,
                                void (*work)(struct node_table *nodes, int fd))
{
    const int own[] = { entry->area.root, entry->area.mount, entry->named };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (own[i] >= 0)
            work(nodes, own[i]);
    }
}

bool area_table_keep(struct area_table *table, struct node_table *nodes)
{
    node_fd_keep(nodes, table->memfd);
    for (unsigned i = AREAS_OF_MOUNT; i < ENTRIES; i++) {
        struct area_entry *entry = area_table_entry(table, i);
        enum area_state state = area_table_state(table, i);

        if (state == AREA_FREE)
            continue;
        if (state > AREA_CLOSING || entry->check != entry_check(entry))
            return false;
        for_each_descriptor(entry, nodes, state == AREA_CLOSING ? node_fd_drop : node_fd_keep);
        if (state == AREA_CLOSING)
            set_state(entry, AREA_FREE);
    }
    return true;
}

void area_table_add(struct area_table *table, unsigned index, const struct area_entry *filled,
                    struct node_table *nodes)
{
    struct area_entry *entry = area_table_entry(table, index);

    entry->area = filled->area;
    entry->ino = filled->ino;
    entry->birth = filled->birth;
    entry->named = filled->named;
    memcpy(entry->words, filled->words, sizeof(entry->words));
    entry->words[AREA_WORDS_MAX - 1] = '\0';
    entry->check = entry_check(entry);
    fault_point(FAULT_IN_AREA);
    set_state(entry, AREA_IN_USE);
    fault_point(FAULT_IN_AREA);
    for_each_descriptor(entry, nodes, node_fd_keep);
}

void area_table_set_words(struct area_table *table, unsigned index, const char *words)
{
    strlcpy(area_table_entry(table, index)->words, words, AREA_WORDS_MAX);
}

void area_table_leave(struct area_table *table, unsigned index)
{
    set_state(area_table_entry(table, index), AREA_LEFT);
}

void area_table_remove(struct area_table *table, unsigned index, struct node_table *nodes)
{
    struct area_entry *entry = area_table_entry(table, index);
    struct area_entry gone = { .area = entry->area, .named = entry->named };

    set_state(entry, AREA_CLOSING);
    for_each_descriptor(entry, nodes, node_fd_drop);
    fault_point(FAULT_IN_AREA);
    // From here on the numbers are nobody's, and others may get them.
    set_state(entry, AREA_FREE);
    close_entry(&gone);
}
