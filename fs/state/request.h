// SPDX-License-Identifier: BSD-2-Clause
/*
 * The records of requests: what each request under way intends, has done, and whether it is
 * answered. They lie in shared memory, so that a worker that recovers from the death of another can
 * tell which requests are still to be carried out.
 *
 * After a death the kernel tells what was not answered (fs/dispatch/recovery.h). Such a request may
 * never have been begun, may have been carried out, may even be marked as answered. So a request is
 *   - begun, with the names that it is about to change saved as they were before. The client waits
 *     for the answer with the locks of the directories and files held, and so nobody else changes
 *     those names until it comes, however many processes die meanwhile: any difference from the
 *     preimage is our own doing;
 *   - executed, with its result: what the request changes is not changed again, only the answer is
 *     found anew;
 *   - answered, which is marked before the answer is sent: if the kernel does not wait for it any
 *     more, the answer arrived.
 *
 * All that a request takes from the node table is in its ledger there (node_table.h), and is taken
 * back before the request is served again.
 *
 * One record serves one thread at a time. In transports that have no records `request` is NULL, and
 * every function here treats that as a request that comes for the first time.
 */
#ifndef SHMAPFS_REQUEST_H
#define SHMAPFS_REQUEST_H

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/nodes/node_table.h"

#define REQUESTS NODE_LEDGERS

/* The most that one request can carry: data to write, or an extended attribute. libfuse wants room
 * for headers beside it. */
#define REQUEST_WRITE_MAX  (1U << 20)
#define REQUEST_SMALL_MAX  (128U << 10)
#define REQUEST_HEADER_MAX 4096U
#define REQUEST_BYTES      (REQUEST_WRITE_MAX + REQUEST_HEADER_MAX)

/* A request that has ended this many processes is answered with EIO. */
#define REQUEST_CRASHES_MAX 3

/* The mark that the kernel puts on the number of a request that it sends again. */
#define REQUEST_RESENT (UINT64_C(1) << 63)

/* Far apart: overwriting one byte of a state does not make another state of it. */
enum request_state {
    REQUEST_FREE = 0,
    REQUEST_BEGUN = 0x1b2e6147,
    REQUEST_HANDED_OFF = 0x2d5c3a72,
    REQUEST_ANSWERED = 0x476b1d39,
};

/* A preimage: a name, or an attribute, as it was before the request changed it. */
struct preimage {
    struct node_key key; // what the name stood for
    uint64_t existed;
    uint64_t check; // of the fields above
    atomic_bool saved;
};

struct request {
    _Atomic uint32_t state;
    uint32_t opcode;
    uint64_t unique; // the kernel's number, without the mark
    uint64_t node;   // the node that it is about
    uint64_t check;  // of the three fields above
    int64_t result;  // once executed
    uint64_t result_check;
    atomic_bool executed;
    atomic_bool repeated;     // it was begun before
    _Atomic uint32_t crashes; // processes that ended while they served it
    struct preimage source;
    struct preimage target;
    _Atomic uint64_t answers; // how many requests of this record were answered
};

/* Begins the request whose bytes begin with `header`. */
void request_begin(struct request *request, const struct fuse_in_header *header);

/* Begins a request that an earlier process has begun before. */
void request_begin_again(struct request *request);

/* Returns whether a record in use can be believed: it may have been overwritten. */
bool request_is_valid(const struct request *request);

/* Returns whether an earlier process began the request and did not answer it. */
bool request_is_repeated(const struct request *request);

/* Returns whether the request was executed before; `result` receives its result. */
bool request_was_executed(const struct request *request, int64_t *result);

void request_executed(struct request *request, int64_t result);

/* Save what is there before it is changed, unless that was done when the request came first.
 * Without a key the preimage only says whether there was anything. */
void request_save_source(struct request *request, const struct node_key *key, bool existed);
void request_save_target(struct request *request, const struct node_key *key, bool existed);

/* Forgets the preimages: nothing was changed after all. */
void request_drop_preimages(struct request *request);

/* Return the preimages of a repeated request; NULL: there is none, and nothing was changed. */
const struct preimage *request_source(const struct request *request);
const struct preimage *request_target(const struct request *request);

/* Leaves the answer to the next process; the request keeps its record. */
void request_hand_off(struct request *request);

/* Marks the request as answered. Call it before the answer is sent. */
void request_answer(struct request *request);

/* Frees the record: the answer has arrived, or none is needed, or nobody waits for it any more. */
void request_end(struct request *request);

/* Returns the protocol's name for a kind of request, for the log; and the same, or something else
 * where it has no name here. */
const char *request_name(uint32_t opcode);
const char *request_name_or(uint32_t opcode, const char *otherwise);

static inline enum request_state request_state(const struct request *request)
{
    return atomic_load_explicit(&request->state, memory_order_acquire);
}

static inline bool request_is_forget(uint32_t opcode)
{
    return opcode == FUSE_FORGET || opcode == FUSE_BATCH_FORGET;
}

#endif
