// SPDX-License-Identifier: BSD-2-Clause
/*
 * Random calls of a node table, such as requests and the kernel make. A call is picked with a look
 * at the table, and made without one, so that what was picked once can be made again elsewhere.
 */
#ifndef NODE_CALLS_H
#define NODE_CALLS_H

#include "fs/nodes/node_fd.h"
#include "tests/unit/nodes/node_fixture.h"
#include "tests/unit/nodes/node_state.h"

#define CALLS_REFS 4U
#define CALLS_FD   1000 // the first of the numbers that stand for descriptors
#define CALLS_FDS  1500 // that nodes may hold

enum call_kind {
    CALL_CLAIM,
    CALL_USE,
    CALL_USE_KEY,
    CALL_CLAIM_KNOWN,
    CALL_END,
    CALL_FORGET,
    CALL_UNLOOKUP,
    CALL_OPEN,
    CALL_CLOSE,
    CALL_IO,
    CALL_SET_IO,
    CALL_TAKE_IO,
    CALL_SET_BACKING,
    CALL_LEND,
    CALL_UNLINKED,
    CALL_FLAGS,
    CALL_PAYER,
    CALL_ERRORS,
    CALL_HANDLE,
    CALL_CLASS_ROOT,
    CALL_PLAIN,
    CALL_SHED,
    CALL_BACKING_CLOSED,
    CALL_KEEP,
    CALL_STREAM_OPEN,
    CALL_STREAM_CLOSE,
    CALL_CLEAR,
    CALL_UNDO,
    CALL_KINDS,
};

struct call {
    enum call_kind kind;
    int ledger; // -1: none
    unsigned ref;
    uint64_t id, lookups, fh;
    int fd;
    bool writer;
    struct node_seed seed;
};

struct calls {
    struct node_table *table;
    unsigned short random[3];
    unsigned files; // that there are
    unsigned grow;  // of so many calls one makes a node, or makes way for one; 0: as it comes
    int backing;    // the last id given out
    struct node_ref refs[CALLS_REFS];
};

static inline unsigned calls_pick(struct calls *calls, unsigned below)
{
    return (unsigned)nrand48(calls->random) % below;
}

static inline struct node_seed calls_seed(struct calls *calls)
{
    struct node_seed seed = seed_of(10 + calls_pick(calls, calls->files));
    if (seed.key.ino % 5 == 0)
        seed.handle.length = 0;
    if (seed.key.ino % 7 == 0)
        seed.handle.type = NODE_BY_NAME;
    return seed;
}

/* A descriptor that is nobody's. */
static inline int calls_fd(struct calls *calls)
{
    const uint64_t *owners = calls->table->memory->owners;
    unsigned fd = CALLS_FD + calls_pick(calls, STATE_FDS - CALLS_FD);
    while (word_upper(owners[fd]) >> 30 != OWNER_NOBODY)
        fd = fd + 1 < STATE_FDS ? fd + 1 : CALLS_FD;
    return (int)fd;
}

static inline const struct node_ledger *calls_ledger(const struct calls *calls, unsigned index)
{
    return &calls->table->memory->ledgers[index];
}

/* Takes ledgers off all that they have noted, so that nobody else takes it back. */
static inline uint64_t noted_lookups(const struct calls *calls, uint64_t id)
{
    uint64_t noted = 0;
    for (unsigned i = 0; i < STATE_LEDGERS; i++) {
        const struct node_ledger *ledger = calls_ledger(calls, i);
        for (uint32_t at = 0; at < ledger->head.lookups; at++)
            noted += word_upper(ledger->lookups[at]) == id >> 32 &&
                     word_slot(ledger->lookups[at]) == (uint32_t)id;
    }
    return noted;
}

static inline unsigned noted_opens(const struct calls *calls, uint64_t id, bool writers)
{
    unsigned noted = 0;
    for (unsigned i = 0; i < STATE_LEDGERS; i++) {
        const struct ledger_head *head = &calls_ledger(calls, i)->head;
        noted += head->opened == id && head->writer == writers;
    }
    return noted;
}

/* The ledger that has noted a stream; -1: none. */
static inline int noted_stream(const struct calls *calls, uint64_t fh)
{
    for (unsigned i = 0; i < STATE_LEDGERS; i++) {
        if (calls_ledger(calls, i)->head.stream == fh)
            return (int)i;
    }
    return -1;
}

/* The part of a use under way that a call needs. */
static inline bool suits_ref(const struct calls *calls, const struct call *call)
{
    const struct node_ref *ref = &calls->refs[call->ref];
    const struct ledger_head *head =
        call->ledger >= 0 ? &calls_ledger(calls, (unsigned)call->ledger)->head : NULL;
    if (call->kind == CALL_USE || call->kind == CALL_USE_KEY || call->kind == CALL_CLAIM_KNOWN ||
        call->kind == CALL_CLAIM)
        return ref->node == NULL && (head == NULL || head->lookups < STATE_LOOKUPS);
    if (ref->node == NULL)
        return false;
    const struct node *node = ref->node;
    bool is_class_root = node->flags & NODE_CLASS_ROOT;
    switch (call->kind) {
    case CALL_OPEN:
        return head == NULL || head->opened == 0;
    case CALL_CLOSE:
        if (head != NULL && head->opened == ref->id)
            return head->writer == call->writer;
        return (call->writer ? node->writers : node->opens - node->writers) >
               noted_opens(calls, ref->id, call->writer);
    case CALL_SET_IO:
        return node->opens > 0 && node->held.io_fd < 0;
    case CALL_SET_BACKING:
        return node->opens > 0 && node->held.backing_id == 0;
    case CALL_CLASS_ROOT:
        return !is_class_root && node->held.path_fd >= 0 && node->opens == 0;
    case CALL_PLAIN:
        return is_class_root;
    default:
        return true;
    }
}

/* A node that is in the table, or was. */
static inline uint64_t calls_id(struct calls *calls)
{
    uint32_t slot = SLOT_ROOT + calls_pick(calls, calls->table->header->fresh - 1);
    return id_of(calls->table, &calls->table->slots[slot]);
}

static inline bool takes_descriptor(enum call_kind kind)
{
    return kind == CALL_CLAIM || kind == CALL_SET_IO || kind == CALL_LEND ||
           kind == CALL_CLASS_ROOT;
}

static inline bool suits(struct calls *calls, struct call *call)
{
    const struct node_header *header = calls->table->header;
    if (takes_descriptor(call->kind) && header->owned[OWNER_NODE] >= CALLS_FDS)
        return false;
    const struct node *node = &calls->table->slots[(uint32_t)call->id];
    switch (call->kind) {
    case CALL_FORGET:
        call->lookups = node->lookups - noted_lookups(calls, call->id);
        return node->in_use && call->lookups > 0;
    case CALL_UNLOOKUP:
        if (call->ledger < 0 || calls_ledger(calls, (unsigned)call->ledger)->head.lookups == 0)
            return false;
        uint64_t word = calls_ledger(calls, (unsigned)call->ledger)->lookups[0];
        call->id = (uint64_t)word_upper(word) << 32 | word_slot(word);
        return true;
    case CALL_BACKING_CLOSED:
        call->fd = (int)word_upper(calls->table->memory->pending_close[0]);
        return header->pending_close > 0;
    case CALL_KEEP:
        return header->owned[OWNER_MOUNT] < 20;
    case CALL_STREAM_OPEN:
        return header->owned[OWNER_STREAM] < 20 &&
               (call->ledger < 0 ||
                calls_ledger(calls, (unsigned)call->ledger)->head.stream == NODE_STREAM_NONE);
    case CALL_STREAM_CLOSE:
        for (call->fd = CALLS_FD; call->fd < (int)STATE_FDS; call->fd++) {
            uint32_t upper = word_upper(calls->table->memory->owners[call->fd]);
            if (upper >> 30 == OWNER_STREAM) {
                call->fh = (uint64_t)(upper & 0x3fffffff) << 32 | (uint32_t)call->fd;
                call->ledger = noted_stream(calls, call->fh);
                return true;
            }
        }
        return false;
    case CALL_SHED:
    case CALL_CLEAR:
    case CALL_UNDO:
        return true;
    default:
        return suits_ref(calls, call);
    }
}

/* The next call. */
static inline struct call calls_next(struct calls *calls)
{
    struct call call;
    do {
        bool grow = calls->grow > 0 && calls_pick(calls, calls->grow) == 0;
        unsigned ref = calls_pick(calls, CALLS_REFS);
        enum call_kind kind = (enum call_kind)calls_pick(calls, CALL_KINDS);
        if (grow)
            kind = calls->refs[ref].node == NULL ? CALL_CLAIM : CALL_END;
        call = (struct call){
            .kind = kind,
            .ledger = (int)calls_pick(calls, STATE_LEDGERS + 1) - 1,
            .ref = ref,
            .id = calls_id(calls),
            .fd = calls_fd(calls),
            .writer = calls_pick(calls, 2),
            .seed = calls_seed(calls),
        };
    } while (!suits(calls, &call));
    if (call.kind == CALL_SET_BACKING)
        call.fd = ++calls->backing;
    return call;
}

/* A call's answer as a number. */
static inline void answer_add(uint64_t *answer, uint64_t value)
{
    *answer = (*answer ^ value) * UINT64_C(0x100000001b3);
}

static inline void answer_ref(uint64_t *answer, const struct node_ref *ref)
{
    answer_add(answer, ref->node != NULL);
    if (ref->node == NULL)
        return;
    const uint64_t values[] = { ref->id,    ref->ino,           ref->birth,
                                ref->flags, ref->writers,       (uint64_t)ref->held.path_fd,
                                ref->type,  ref->handle.length, (uint64_t)ref->held.io_fd,
                                ref->area,  ref->class,         (uint64_t)ref->held.backing_id };
    for (size_t i = 0; i < COUNT(values); i++)
        answer_add(answer, values[i]);
}

static inline void answer_leftover(uint64_t *answer, const struct node_resources *leftover)
{
    answer_add(answer, (uint64_t)leftover->path_fd);
    answer_add(answer, (uint64_t)leftover->io_fd);
    answer_add(answer, (uint64_t)leftover->backing_id);
    answer_add(answer, leftover->orphan);
}

static inline void make_use(struct calls *calls, const struct call *call, uint64_t *answer,
                            struct node_ledger *ledger, struct node_resources leftover[2])
{
    struct node_table *table = calls->table;
    struct node_ref *ref = &calls->refs[call->ref];
    if (call->kind == CALL_CLAIM) {
        int error = node_claim(table, ledger, &call->seed, call->fd, ref, leftover);
        if (error)
            ref->node = NULL;
        answer_add(answer, (uint64_t)error);
    } else if (call->kind == CALL_USE) {
        node_use(table, call->id, ref);
    } else if (call->kind == CALL_USE_KEY) {
        node_use_key(table, &call->seed.key, ref);
    } else if (call->kind == CALL_CLAIM_KNOWN) {
        node_claim_known(table, ledger, &call->seed.key, ref);
    } else {
        node_end(table, ref, leftover);
    }
    answer_ref(answer, ref);
}

static inline void make_file_call(struct calls *calls, const struct call *call, uint64_t *answer,
                                  struct node_ledger *ledger, struct node_resources leftover[2])
{
    struct node_table *table = calls->table;
    struct node_ref *ref = &calls->refs[call->ref];
    switch (call->kind) {
    case CALL_OPEN:
        answer_add(answer, node_open(table, ledger, ref, call->writer, NODE_MAYBE_MAPPED,
                                     NODE_ATTR_CACHED, call->writer));
        break;
    case CALL_CLOSE:
        node_close(table, ledger, ref, call->writer, call->writer, leftover);
        break;
    case CALL_IO:
        if (node_io_begin(table, ref, call->writer) >= 0)
            node_io_end(table, ref, call->writer, leftover);
        break;
    case CALL_SET_IO:
        node_set_io(table, ref, call->fd, NODE_IO_READABLE);
        break;
    case CALL_TAKE_IO:
        node_io_take(table, ref, leftover);
        break;
    case CALL_SET_BACKING:
        node_set_backing(table, ref, call->fd);
        break;
    case CALL_LEND:
        node_lend_path(table, ref, call->fd, leftover);
        break;
    case CALL_UNLINKED:
        node_unlinked(table, ref);
        break;
    case CALL_FLAGS:
        answer_add(answer,
                   node_flags(table, ref, NODE_ATTR_CACHED | NODE_HANDLE_LASTS, NODE_MAYBE_MAPPED));
        break;
    case CALL_PAYER:
        node_set_payer(table, ref, call->writer ? 0 : 1000 + (uint32_t)call->ref);
        break;
    case CALL_ERRORS:
        answer_add(answer, node_io_errors(table, ref, call->writer));
        break;
    case CALL_HANDLE:
        node_set_handle(table, ref, &call->seed.handle);
        break;
    case CALL_CLASS_ROOT:
        node_become_class_root(table, ref, 1, 1, call->fd);
        break;
    default:
        node_become_plain(table, ref, 0, 0);
    }
    node_refresh(table, ref);
    answer_ref(answer, ref);
}

/* Makes a call; returns what it answered. */
static inline uint64_t calls_make(struct calls *calls, const struct call *call)
{
    struct node_table *table = calls->table;
    struct node_ledger *ledger =
        call->ledger >= 0 ? node_ledger(table, (unsigned)call->ledger) : NULL;
    struct node_resources leftover[2] = { NODE_NO_RESOURCES, NODE_NO_RESOURCES };
    uint64_t answer = call->kind;
    switch (call->kind) {
    case CALL_CLAIM:
    case CALL_USE:
    case CALL_USE_KEY:
    case CALL_CLAIM_KNOWN:
    case CALL_END:
        make_use(calls, call, &answer, ledger, leftover);
        break;
    case CALL_FORGET:
        node_forget(table, ledger, call->id, call->lookups, leftover);
        break;
    case CALL_UNLOOKUP:
        node_unlookup(table, ledger, call->id, leftover);
        break;
    case CALL_SHED:
        answer_add(&answer, node_shed(table, leftover));
        break;
    case CALL_BACKING_CLOSED:
        node_backing_closed(table, call->fd);
        answer_add(&answer, (uint64_t)node_backing_highest(table));
        break;
    case CALL_KEEP:
        node_fd_keep(table, call->fd);
        break;
    case CALL_STREAM_OPEN:
        answer_add(&answer, node_dir_open(table, ledger, call->fd));
        break;
    case CALL_STREAM_CLOSE:
        answer_add(&answer, (uint64_t)node_dir_fd(table, call->fh));
        answer_add(&answer, (uint64_t)node_dir_close(table, ledger, call->fh));
        break;
    case CALL_CLEAR:
        answer_add(&answer, node_ledger_forgotten(table, ledger));
        node_ledger_clear(table, ledger);
        break;
    case CALL_UNDO:
        answer_add(&answer, node_ledger_undo(table, ledger, leftover));
        break;
    default:
        make_file_call(calls, call, &answer, ledger, leftover);
    }
    answer_leftover(&answer, &leftover[0]);
    answer_leftover(&answer, &leftover[1]);
    return answer;
}

#endif
