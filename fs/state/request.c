// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/request.h"

#include <string.h>

#include "fs/util/checksum.h"
#include "fs/util/fault.h"

static void set_state(struct request *request, enum request_state state)
{
    atomic_store_explicit(&request->state, state, memory_order_release);
}

/* Sums up words. The number of the request is part of the sum, so that a leftover of an earlier
 * request does not pass. */
static uint64_t words_check(const struct request *request, const void *words, size_t size)
{
    uint64_t sum = request->unique;
    uint64_t word;

    for (size_t at = 0; at + sizeof(word) <= size; at += sizeof(word)) {
        memcpy(&word, (const char *)words + at, sizeof(word));
        sum = checksum_word(sum, word);
    }
    return sum;
}

static uint64_t head_check(const struct request *request)
{
    const uint64_t words[] = { request->opcode, request->node };

    return words_check(request, words, sizeof(words));
}

static uint64_t preimage_check(const struct request *request, const struct preimage *preimage)
{
    const uint64_t words[] = { preimage->key.ino, preimage->key.birth, preimage->key.tree,
                               preimage->existed };

    return words_check(request, words, sizeof(words));
}

static bool is_state(enum request_state state)
{
    return state == REQUEST_BEGUN || state == REQUEST_HANDED_OFF || state == REQUEST_ANSWERED;
}

bool request_is_valid(const struct request *request)
{
    const struct preimage *source = &request->source, *target = &request->target;

    return is_state(request_state(request)) && request->crashes <= REQUEST_CRASHES_MAX &&
           request->check == head_check(request) &&
           (!request->executed || request->result_check == words_check(request, &request->result,
                                                                       sizeof(request->result))) &&
           (!source->saved || source->check == preimage_check(request, source)) &&
           (!target->saved || target->check == preimage_check(request, target));
}

void request_begin(struct request *request, const struct fuse_in_header *header)
{
    request->unique = header->unique & ~REQUEST_RESENT;
    request->opcode = header->opcode;
    request->node = header->nodeid;
    request->check = head_check(request);
    request->source.saved = false;
    request->target.saved = false;
    request->executed = false;
    request->repeated = false;
    request->crashes = 0;
    set_state(request, REQUEST_BEGUN);
}

void request_begin_again(struct request *request)
{
    request->repeated = true;
    set_state(request, REQUEST_BEGUN);
}

bool request_is_repeated(const struct request *request)
{
    return request && request->repeated;
}

bool request_was_executed(const struct request *request, int64_t *result)
{
    if (!request || !request->executed)
        return false;
    *result = request->result;
    return true;
}

void request_executed(struct request *request, int64_t result)
{
    fault_point(FAULT_AFTER_EXECUTION);
    if (!request)
        return;
    request->result = result;
    request->result_check = words_check(request, &result, sizeof(result));
    atomic_store_explicit(&request->executed, true, memory_order_release);
}

static void save(const struct request *request, struct preimage *preimage,
                 const struct node_key *key, bool existed)
{
    if (preimage->saved)
        return;
    preimage->existed = existed;
    preimage->key = key ? *key : (struct node_key){ .ino = 0 };
    preimage->check = preimage_check(request, preimage);
    atomic_store_explicit(&preimage->saved, true, memory_order_release);
}

void request_save_source(struct request *request, const struct node_key *key, bool existed)
{
    if (request)
        save(request, &request->source, key, existed);
}

void request_save_target(struct request *request, const struct node_key *key, bool existed)
{
    if (request)
        save(request, &request->target, key, existed);
}

void request_drop_preimages(struct request *request)
{
    if (!request)
        return;
    atomic_store_explicit(&request->source.saved, false, memory_order_release);
    atomic_store_explicit(&request->target.saved, false, memory_order_release);
}

static const struct preimage *preimage_of(const struct request *request,
                                          const struct preimage *preimage)
{
    return request_is_repeated(request) && preimage->saved ? preimage : NULL;
}

const struct preimage *request_source(const struct request *request)
{
    return request ? preimage_of(request, &request->source) : NULL;
}

const struct preimage *request_target(const struct request *request)
{
    return request ? preimage_of(request, &request->target) : NULL;
}

void request_hand_off(struct request *request)
{
    set_state(request, REQUEST_HANDED_OFF);
}

void request_answer(struct request *request)
{
    fault_point(FAULT_BEFORE_RECORD);
    if (request)
        set_state(request, REQUEST_ANSWERED);
    fault_point(FAULT_AFTER_RECORD);
}

void request_end(struct request *request)
{
    set_state(request, REQUEST_FREE);
    // A process that dies in between must have freed it: a release does not hold back what follows.
    atomic_signal_fence(memory_order_seq_cst);
    // If the state is overwritten, the request must not come back.
    request->check = ~head_check(request);
}

const char *request_name_or(uint32_t opcode, const char *otherwise)
{
    static const char *const names[] = {
        [FUSE_LOOKUP] = "LOOKUP",
        [FUSE_FORGET] = "FORGET",
        [FUSE_GETATTR] = "GETATTR",
        [FUSE_SETATTR] = "SETATTR",
        [FUSE_READLINK] = "READLINK",
        [FUSE_SYMLINK] = "SYMLINK",
        [FUSE_MKNOD] = "MKNOD",
        [FUSE_MKDIR] = "MKDIR",
        [FUSE_UNLINK] = "UNLINK",
        [FUSE_RMDIR] = "RMDIR",
        [FUSE_RENAME] = "RENAME",
        [FUSE_LINK] = "LINK",
        [FUSE_OPEN] = "OPEN",
        [FUSE_READ] = "READ",
        [FUSE_WRITE] = "WRITE",
        [FUSE_STATFS] = "STATFS",
        [FUSE_RELEASE] = "RELEASE",
        [FUSE_FSYNC] = "FSYNC",
        [FUSE_SETXATTR] = "SETXATTR",
        [FUSE_GETXATTR] = "GETXATTR",
        [FUSE_LISTXATTR] = "LISTXATTR",
        [FUSE_REMOVEXATTR] = "REMOVEXATTR",
        [FUSE_FLUSH] = "FLUSH",
        [FUSE_INIT] = "INIT",
        [FUSE_OPENDIR] = "OPENDIR",
        [FUSE_READDIR] = "READDIR",
        [FUSE_RELEASEDIR] = "RELEASEDIR",
        [FUSE_FSYNCDIR] = "FSYNCDIR",
        [FUSE_ACCESS] = "ACCESS",
        [FUSE_CREATE] = "CREATE",
        [FUSE_INTERRUPT] = "INTERRUPT",
        [FUSE_IOCTL] = "IOCTL",
        [FUSE_BATCH_FORGET] = "BATCH_FORGET",
        [FUSE_FALLOCATE] = "FALLOCATE",
        [FUSE_READDIRPLUS] = "READDIRPLUS",
        [FUSE_RENAME2] = "RENAME2",
        [FUSE_LSEEK] = "LSEEK",
        [FUSE_COPY_FILE_RANGE] = "COPY_FILE_RANGE",
    };

    return opcode < sizeof(names) / sizeof(names[0]) && names[opcode] ? names[opcode] : otherwise;
}

const char *request_name(uint32_t opcode)
{
    return request_name_or(opcode, "of an unknown kind");
}
