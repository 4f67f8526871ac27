// SPDX-License-Identifier: BSD-2-Clause
/*
 * The owners of descriptors: a word for each number, with the kind of its owner, the slot of the
 * node that holds it, and a generation, which tells apart the streams that had one number after the
 * other.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "fs/nodes/node_fd.h"
#include "fs/nodes/node_slot.h"

#define GENERATION_BITS 30
#define GENERATION_MASK ((1U << GENERATION_BITS) - 1)

bool fd_is_possible(int fd)
{
    return fd >= 0 && fd < NODE_FD_MAX;
}

static uint64_t owner_word(const struct node_table *table, int fd)
{
    if (!fd_is_possible(fd))
        table_corrupt(table, "the number of a descriptor is out of bounds");
    return word_at(table, &table->memory->owners[fd], "a descriptor's owner has a wrong check");
}

static enum owner owner_of(uint64_t word)
{
    return (enum owner)(word_upper(word) >> GENERATION_BITS);
}

static uint32_t generation_of(uint64_t word)
{
    return word_upper(word) & GENERATION_MASK;
}

static void set_fd_owner(struct node_table *table, int fd, enum owner owner, uint32_t slot,
                         uint32_t generation)
{
    uint32_t upper = (uint32_t)owner << GENERATION_BITS | (generation & GENERATION_MASK);

    edit_word(table, &table->memory->owners[fd], make_word(upper, slot));
}

void fd_check(const struct node_table *table, int fd, const struct node *node)
{
    uint64_t word = owner_word(table, fd);

    if (owner_of(word) != OWNER_NODE || word_slot(word) != slot_of(table, node))
        table_corrupt(table, "a node holds a descriptor that is not its own");
}

void fd_own(struct node_table *table, int fd, enum owner owner, uint32_t slot)
{
    uint64_t word = owner_word(table, fd);
    struct node_header *header = edit_header(table);

    if (owner_of(word) != OWNER_NOBODY)
        table_corrupt(table, "a descriptor would have two owners");
    // A handle names one stream, and never the next stream with the same number.
    set_fd_owner(table, fd, owner, slot, generation_of(word) + (owner == OWNER_STREAM));
    header->owned[owner]++;
    if (header->fds_end <= (uint32_t)fd)
        header->fds_end = (uint32_t)fd + 1;
}

void fd_disown(struct node_table *table, int fd, enum owner owner, uint32_t slot)
{
    uint64_t word = owner_word(table, fd);

    if (owner_of(word) != owner || word_slot(word) != slot)
        table_corrupt(table, "a descriptor has another owner");
    set_fd_owner(table, fd, OWNER_NOBODY, SLOT_NONE, generation_of(word));
    edit_header(table)->owned[owner]--;
}

void node_fd_keep(struct node_table *table, int fd)
{
    table_begin(table);
    if (owner_of(owner_word(table, fd)) != OWNER_MOUNT)
        fd_own(table, fd, OWNER_MOUNT, SLOT_NONE);
    table_end(table);
}

bool node_fd_is_kept(const struct node_table *table, int fd)
{
    return owner_of(owner_word(table, fd)) == OWNER_MOUNT;
}

void node_fd_drop(struct node_table *table, int fd)
{
    table_begin(table);
    if (owner_of(owner_word(table, fd)) == OWNER_MOUNT)
        fd_disown(table, fd, OWNER_MOUNT, SLOT_NONE);
    table_end(table);
}

/* Returns the descriptor of a stream's handle; -1: the handle is no stream's. */
static int stream_fd(const struct node_table *table, uint64_t fh)
{
    uint64_t word;

    if ((uint32_t)fh >= NODE_FD_MAX)
        return -1;
    word = owner_word(table, (int)(uint32_t)fh);
    if (owner_of(word) != OWNER_STREAM || generation_of(word) != fh >> 32)
        return -1;
    return (int)(uint32_t)fh;
}

bool stream_end(struct node_table *table, uint64_t fh)
{
    int fd = stream_fd(table, fh);

    if (fd >= 0)
        fd_disown(table, fd, OWNER_STREAM, SLOT_NONE);
    return fd >= 0;
}

uint64_t node_dir_open(struct node_table *table, struct node_ledger *ledger, int fd)
{
    uint64_t fh;

    if (!fd_is_possible(fd))
        return NODE_STREAM_NONE;
    table_begin(table);
    fd_own(table, fd, OWNER_STREAM, SLOT_NONE);
    fh = (uint64_t)generation_of(owner_word(table, fd)) << 32 | (uint32_t)fd;
    ledger_add_stream(table, ledger, fh);
    table_end(table);
    return fh;
}

int node_dir_fd(struct node_table *table, uint64_t fh)
{
    int fd;

    table_begin(table);
    fd = stream_fd(table, fh);
    table_end(table);
    return fd;
}

int node_dir_close(struct node_table *table, struct node_ledger *ledger, uint64_t fh)
{
    bool ended;

    table_begin(table);
    ended = stream_end(table, fh);
    if (ended)
        ledger_drop_stream(table, ledger, fh);
    table_end(table);
    return ended ? (int)(uint32_t)fh : -1;
}

static bool is_owned(const struct node_table *table, int fd)
{
    return owner_of(owner_word(table, fd)) != OWNER_NOBODY;
}

const struct node *fd_node(const struct node_table *table, int fd)
{
    uint64_t word = owner_word(table, fd);

    return owner_of(word) == OWNER_NODE ? slot_at(table, word_slot(word)) : NULL;
}

/* Checks that no descriptor has lost its owner unseen: the node that is said to hold a descriptor
 * does so, and there are as many as were counted. */
static void check_owners(const struct node_table *table)
{
    const struct node_header *header = table->header;
    uint32_t owned[OWNERS] = { 0 };

    for (int fd = 0; fd < (int)header->fds_end; fd++) {
        uint64_t word = owner_word(table, fd);
        const struct node *node;

        owned[owner_of(word)]++;
        if (owner_of(word) != OWNER_NODE)
            continue;
        node = slot_at(table, word_slot(word));
        if (!node->in_use || (node->held.path_fd != fd && node->held.io_fd != fd))
            table_corrupt(table, "a descriptor's owner does not hold it");
    }
    for (int owner = OWNER_MOUNT; owner < OWNERS; owner++) {
        if (owned[owner] != header->owned[owner])
            table_corrupt(table, "the owners of descriptors are not as many as were counted");
    }
}

void node_fd_sweep(struct node_table *table)
{
    unsigned gap = 0;

    table_begin(table);
    check_owners(table);
    for (unsigned fd = 0; fd < table->header->fds_end; fd++) {
        if (!is_owned(table, (int)fd))
            continue;
        if (gap < fd)
            close_range(gap, fd - 1, 0);
        gap = fd + 1;
    }
    close_range(gap, UINT_MAX, 0);
    table_end(table);
}

int node_fd_inherit(struct node_table *table)
{
    int error = 0;

    table_begin(table);
    check_owners(table);
    for (int fd = 0; fd < (int)table->header->fds_end && !error; fd++) {
        if (is_owned(table, fd) && fcntl(fd, F_SETFD, 0) != 0)
            error = -errno;
    }
    table_end(table);
    return error;
}
