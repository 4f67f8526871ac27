// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state of a mount in shared memory, damaged before a process attaches to it: the input is a
 * list of edits (edits.h) of the head (h), the mount info (i), INIT (q), the agreement (a), the
 * checksum (c) and the records of requests (r).
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs/state/state.h"
#include "tests/fuzz/edits.h"

#define RECORDS 6 /* that are in use */

/* All versions begin with it. */
struct head {
    uint64_t magic;
    uint32_t version, bytes;
};
_Static_assert(sizeof(struct head) == offsetof(struct state, node_layout), "the layout stays");

/* The state without damage. */
struct whole {
    struct head head;
    struct mount_info info;
    struct agreement agreed;
    uint64_t check;
    struct request requests[RECORDS];
};

static void begin_request(struct request *request, uint64_t unique)
{
    struct fuse_in_header header = { .unique = unique, .opcode = FUSE_RENAME2, .nodeid = 17 };
    request_begin(request, &header);
}

static void make_requests(struct request *requests)
{
    struct node_key key = { .ino = 23, .birth = 42, .tree = 1 };
    for (int i = 0; i < RECORDS; i++)
        begin_request(&requests[i], 1000 + 2 * (uint64_t)i);
    request_executed(&requests[1], -ENOENT);
    request_save_source(&requests[2], &key, true);
    request_save_source(&requests[3], &key, true);
    request_save_target(&requests[3], NULL, false);
    request_executed(&requests[3], 4096);
    request_hand_off(&requests[4]);
    request_answer(&requests[5]);
}

static void fill(struct state *state)
{
    strlcpy(state->info.mountpoint, "/srv/shared", sizeof(state->info.mountpoint));
    strlcpy(state->info.store, "/var/lib/store", sizeof(state->info.store));
    state->info.timeout = 86400;
    state->info.request_bytes = REQUEST_BYTES;
    state->agreed.max_write = REQUEST_WRITE_MAX;
    state->agreed.made = 1;
    state_seal(state);
    make_requests(state->requests);
}

static void remember(const struct state *state, struct whole *whole)
{
    memcpy(&whole->head, state, sizeof(whole->head));
    memcpy(&whole->info, &state->info, sizeof(whole->info));
    memcpy(&whole->agreed, &state->agreed, sizeof(whole->agreed));
    memcpy(&whole->check, &state->check, sizeof(whole->check));
    memcpy((void *)whole->requests, state->requests, sizeof(whole->requests));
}

static bool is_sealed_part_whole(const struct state *state, const struct whole *whole)
{
    return memcmp(&whole->info, &state->info, sizeof(whole->info)) == 0 &&
           memcmp(&whole->agreed, &state->agreed, sizeof(whole->agreed)) == 0 &&
           whole->check == state->check;
}

static void check_preimage(const struct preimage *found, const struct preimage *whole)
{
    if (!found->saved)
        return;
    MUST(whole->saved, "a preimage that nobody saved");
    MUST(found->key.ino == whole->key.ino && found->key.birth == whole->key.birth &&
             found->key.tree == whole->key.tree && found->existed == whole->existed,
         "another preimage");
}

/* Only what was written is believed. */
static void check_request(const struct request *request, const struct request *whole)
{
    int64_t result;
    if (!request_is_valid(request))
        return;
    MUST(request->unique == whole->unique && request->opcode == whole->opcode &&
             request->node == whole->node,
         "another request");
    MUST(request->crashes <= REQUEST_CRASHES_MAX, "too many crashes");
    if (request_was_executed(request, &result))
        MUST(whole->executed && result == whole->result, "another result");
    check_preimage(&request->source, &whole->source);
    check_preimage(&request->target, &whole->target);
}

static bool is_head_right(const struct state *state, const struct head *whole)
{
    return state->magic == whole->magic && state->bytes == whole->bytes &&
           /* the next version differs by what state_set_hold() says */
           (state->version == whole->version || state->version == whole->version + 1);
}

static void attach(int memfd, const struct state *seen, const struct whole *whole)
{
    struct state *state = NULL;
    const char *why = NULL;
    int error = state_attach(memfd, &state, &why);
    MUST(error == 0 || error == -EPROTO, "another error");
    MUST((error == 0) == is_head_right(seen, &whole->head), "the head decides");
    MUST(why != NULL, "no reason");
    if (error)
        return;
    MUST(state_is_valid(state) == is_sealed_part_whole(state, whole), "the seal decides");
    for (int i = 0; i < RECORDS; i++)
        check_request(&state->requests[i], &whole->requests[i]);
    munmap(state, sizeof(*state));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct whole *whole = malloc(sizeof(*whole));
    struct state *state;
    int memfd = state_create(&state);
    MUST(memfd >= 0 && whole != NULL, "out of memory");
    fill(state);
    remember(state, whole);
    const struct fuzz_part parts[] = {
        { 'h', state, sizeof(whole->head) },
        { 'i', &state->info, sizeof(state->info) },
        { 'q', &state->asked, sizeof(state->asked) },
        { 'a', &state->agreed, sizeof(state->agreed) },
        { 'c', &state->check, sizeof(state->check) },
        { 'r', state->requests, sizeof(state->requests) },
        { 0 },
    };
    make_edits(parts, text, '\0');
    attach(memfd, state, whole);
    munmap(state, sizeof(*state));
    close(memfd);
    free(whole);
    free(text);
    return 0;
}
