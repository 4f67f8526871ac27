// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/recovery.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fs/dispatch/serve.h"
#include "fs/inode/backing.h"
#include "fs/inode/deferred_close.h"
#include "fs/journal/volume_journal.h"
#include "fs/limit/share.h"
#include "fs/nodes/node_fd.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"
#include "fs/vfs/attr.h"
#include "lib/object/object.h"

/* FUSE_NOTIFY_RESEND of linux/fuse.h since Linux 6.9. */
#define NOTIFY_RESEND 7

/* Refuses a request that no worker could serve and live. */
static void refuse_poison(struct volume *volume, const struct request *request)
{
    log_event(LOG_ERR, "request %s of node %ju ended %u workers; it is refused",
              request_name(request->opcode), (uintmax_t)request->node, request->crashes);
    if (!request_is_forget(request->opcode))
        serve_refuse(volume, request, EIO);
}

static void serve_again(struct volume *volume, struct request *request)
{
    if (request->crashes >= REQUEST_CRASHES_MAX) {
        refuse_poison(volume, request);
        serve_header(volume, request)->len = 0;
        request_end(request);
        return;
    }
    request_begin_again(request);
    serve_request(volume, request);
}

/* Serves a request with nothing else going on: if the process dies now, the request is the
 * reason. */
static void serve_alone(struct volume *volume, struct request *request)
{
    volume->state->suspect = state_index(volume->state, request) + 1;
    serve_again(volume, request);
    volume->state->suspect = 0;
}

/* Counts the crash of a process against the requests that it served. One of them did it; serving
 * them one by one finds out which. */
static void count_crash(struct state *state)
{
    uint32_t suspect = atomic_exchange(&state->suspect, 0);

    if (!atomic_exchange(&state->life.crashed, 0))
        return;
    if (suspect > 0 && suspect <= REQUESTS) {
        state->requests[suspect - 1].crashes++;
        return;
    }
    for (int i = 0; i < REQUESTS; i++) {
        if (request_state(&state->requests[i]) != REQUEST_FREE && state->requests[i].crashes == 0)
            state->requests[i].crashes = 1;
    }
}

/* Checks the records: the process that left them may have gone wild. */
static void check_records(struct volume *volume)
{
    for (int i = 0; i < REQUESTS; i++) {
        const struct request *request = &volume->state->requests[i];
        const struct fuse_in_header *header = serve_header(volume, request);
        bool in_use = request_state(request) != REQUEST_FREE;

        if (in_use && !request_is_valid(request))
            volume_damaged(volume, "the record of a request has a wrong checksum");
        if (in_use && header->len != 0 && (header->unique & ~REQUEST_RESENT) != request->unique)
            volume_damaged(volume, "a request is not the one that its record is about");
        if (header->len > volume->info.request_bytes)
            volume_damaged(volume, "a request is longer than the longest one");
    }
}

/* Takes back what a request has taken that was never answered. */
static void roll_back_ledger(struct volume *volume, const struct request *request)
{
    struct node_ledger *ledger = serve_ledger(volume, request);
    struct node_resources leftover;

    while (node_ledger_undo(&volume->nodes, ledger, &leftover))
        resources_close(volume, &leftover);
}

/* Carries out FORGETs that a dead worker had received. The kernel does not send them again: what is
 * in a buffer and not carried out to its end is all there is of them. */
static void replay_forgets(struct volume *volume)
{
    for (int i = 0; i < REQUESTS; i++) {
        struct request *request = &volume->state->requests[i];
        struct fuse_in_header *header = serve_header(volume, request);

        if (header->len == 0 || !request_is_forget(header->opcode))
            continue;
        if (request_state(request) == REQUEST_FREE)
            serve_begin(volume, request);
        serve_alone(volume, request);
    }
}

/* Closes backing ids that have no owner any more. In the kernel the ids are numbers, which go
 * up. */
static void close_backings(struct volume *volume)
{
    int32_t ids[REQUESTS];
    int count;

    while ((count = node_backing_pending_close(&volume->nodes, ids, REQUESTS)) > 0) {
        for (int i = 0; i < count; i++)
            backing_close(volume, ids[i]);
    }
    if (volume->info.wants_passthrough)
        backing_close_unheard(volume);
}

/* Has the kernel send everything again that was not answered. */
static int ask_again(struct volume *volume)
{
    struct fuse_out_header notification = { .len = sizeof(notification), .error = NOTIFY_RESEND };
    int place = -1;

    while ((place = parking_next(&volume->parking, place + 1)) >= 0)
        parking_free(&volume->parking, place);
    if (write(volume->info.device, &notification, sizeof(notification)) != sizeof(notification))
        return -errno;
    fault_point(FAULT_AFTER_RESEND);
    return 0;
}

static void add_resent(struct recovery *recovery, struct request *request)
{
    request_pool_reserve(recovery->pool, request);
    recovery->resent[recovery->count++] =
        (struct resent){ .request = request, .source = INODE_NONE, .target = INODE_NONE };
}

static bool is_resent(const struct recovery *recovery, const struct request *request)
{
    for (unsigned i = 0; i < recovery->count; i++) {
        if (recovery->resent[i].request == request)
            return true;
    }
    return false;
}

/* Receives one request into a spare record. Returns whether more requests that come again may be
 * there, or a negative errno. */
static int receive_resent(struct volume *volume, struct recovery *recovery, struct request *spare)
{
    struct pollfd device = { .fd = volume->info.device, .events = POLLIN };
    struct fuse_in_header *header = serve_header(volume, spare);
    struct request *request;
    bool comes_again;

    if (poll(&device, 1, 0) == 0)
        return 0;
    if (serve_receive(volume, spare) < 0)
        return errno == EAGAIN || serve_goes_on(errno) ? 1 : -errno;
    if (request_is_forget(header->opcode)) {
        serve_begin(volume, spare);
        serve_request(volume, spare);
        return 1;
    }
    comes_again = header->unique & REQUEST_RESENT;
    request = request_pool_find(recovery->pool, header->unique);
    if (request) {
        serve_header(volume, request)->unique = header->unique;
        header->len = 0;
        add_resent(recovery, request);
    } else {
        admission_defer(recovery->admission, volume, spare);
    }
    // Requests that come again come before all others.
    return comes_again;
}

/* Finds out which requests come again. */
static int collect_resent(struct volume *volume, struct recovery *recovery)
{
    struct request *spare;
    int more = ask_again(volume);

    while (more >= 0) {
        spare = request_pool_acquire(recovery->pool);
        // Deaths in a row can fill the records, one more each time; serving a request frees its
        // record.
        if (!spare) {
            roll_back_ledger(volume, recovery->resent[0].request);
            recovery_serve(volume, &recovery->resent[0]);
            recovery_end(recovery, &recovery->resent[0]);
            recovery->resent[0] = recovery->resent[--recovery->count];
            continue;
        }
        more = receive_resent(volume, recovery, spare);
        if (!is_resent(recovery, spare))
            request_pool_release(recovery->pool, spare);
        if (more == 0)
            break;
    }
    return more;
}

/* Looks at the buffers of records that are in use, or of those that are free: what is in them was
 * received, and no more. Finds the requests that the kernel still waits for. */
static int look_into_buffers(struct volume *volume, struct recovery *recovery, bool in_use)
{
    for (int i = 0; i < REQUESTS; i++) {
        struct request *request = &volume->state->requests[i];
        const struct fuse_in_header *header = serve_header(volume, request);
        int awaited;

        if (header->len == 0 || (request_state(request) != REQUEST_FREE) != in_use)
            continue;
        awaited = serve_is_awaited(volume, header);
        if (awaited < 0)
            return awaited;
        if (awaited && in_use)
            add_resent(recovery, request);
        else if (awaited)
            admission_defer(recovery->admission, volume, request);
        else
            serve_drop(volume, request);
    }
    return 0;
}

/* Finds out which requests the kernel still waits for, where it does not send them again. Each
 * request that a worker has received is in the buffer of a record, or parked. */
static int collect_awaited(struct volume *volume, struct recovery *recovery)
{
    int error = look_into_buffers(volume, recovery, true);

    if (!error)
        error = admission_restore(recovery->admission, volume);
    if (!error)
        error = look_into_buffers(volume, recovery, false);
    fault_point(FAULT_AFTER_RESEND);
    return error;
}

/* Marks a node as unlinked if it lost its last name by a request that nobody will hear of again, so
 * that those who still use the node can. */
static void settle_preimage(struct volume *volume, const struct preimage *preimage)
{
    INODE struct inode inode = INODE_NONE;
    struct statx stx;

    if (preimage->saved && preimage->existed && inode_of_key(volume, &preimage->key, &inode) == 0 &&
        inode.volume) {
        if (object_stat(inode.fd, &stx) == 0 && stx.stx_nlink == 0) {
            share_count(&inode, stx.stx_uid);
            inode_name_removed(&inode, 0);
        }
        // The kernel has not heard of what was done.
        attr_invalidate(volume, inode.ref.id);
    }
}

/* Makes the kernel drop the listing of a directory, which it keeps until it hears of a change. */
static void drop_listing(struct volume *volume, uint64_t directory)
{
    fuse_lowlevel_notify_inval_inode(volume->session, directory, 0, 0);
}

static void drop_listings(struct volume *volume, const struct request *request)
{
    uint64_t new_parent;

    switch (request->opcode) {
    case FUSE_RENAME:
    case FUSE_RENAME2:
        // The body of the request begins with the new parent.
        memcpy(&new_parent, serve_header(volume, request) + 1, sizeof(new_parent));
        drop_listing(volume, new_parent);
        // fallthrough
    case FUSE_CREATE:
    case FUSE_LINK:
    case FUSE_MKDIR:
    case FUSE_MKNOD:
    case FUSE_RMDIR:
    case FUSE_SYMLINK:
    case FUSE_UNLINK:
        drop_listing(volume, request->node);
    }
}

/* Drops the record of a request that nobody will ask for any more: the answer arrived, or the
 * client was killed. */
static void drop_record(struct volume *volume, struct request *request)
{
    if (request_state(request) != REQUEST_ANSWERED) {
        roll_back_ledger(volume, request);
        settle_preimage(volume, &request->source);
        settle_preimage(volume, &request->target);
        drop_listings(volume, request);
    }
    serve_header(volume, request)->len = 0;
    request_end(request);
}

static void pin_nodes(struct volume *volume, struct resent *resent)
{
    const struct request *request = resent->request;

    if (request->source.saved && request->source.existed)
        inode_of_key(volume, &request->source.key, &resent->source);
    if (request->target.saved && request->target.existed)
        inode_of_key(volume, &request->target.key, &resent->target);
}

static void settle_records(struct volume *volume, struct recovery *recovery)
{
    for (int i = 0; i < REQUESTS; i++) {
        struct request *request = &volume->state->requests[i];

        if (request_state(request) != REQUEST_FREE && !is_resent(recovery, request))
            drop_record(volume, request);
    }
    for (unsigned i = 0; i < recovery->count; i++)
        roll_back_ledger(volume, recovery->resent[i].request);
    for (unsigned i = 0; i < recovery->count; i++)
        pin_nodes(volume, &recovery->resent[i]);
}

static void unpin_nodes(struct resent *resent)
{
    inode_release(&resent->source);
    inode_release(&resent->target);
}

void recovery_end(struct recovery *recovery, struct resent *resent)
{
    unpin_nodes(resent);
    request_pool_release(recovery->pool, resent->request);
}

static void serve_suspects(struct volume *volume, struct recovery *recovery)
{
    unsigned innocent = 0;

    for (unsigned i = 0; i < recovery->count; i++) {
        struct resent *resent = &recovery->resent[i];

        if (resent->request->crashes == 0) {
            recovery->resent[innocent++] = *resent;
            continue;
        }
        serve_alone(volume, resent->request);
        recovery_end(recovery, resent);
    }
    recovery->count = innocent;
}

int recovery_run(struct volume *volume, struct recovery *recovery)
{
    int error;

    recovery->count = 0;
    volume->state->life.writes_begun = volume->state->life.writes_ended = 0;
    check_records(volume);
    count_crash(volume->state);
    node_fd_sweep(&volume->nodes);
    close_backings(volume);
    replay_forgets(volume);
    error = volume_journal_begin(volume);
    if (error)
        return error;
    error = state_kernel_resends(volume->state) ? collect_resent(volume, recovery)
                                                : collect_awaited(volume, recovery);
    if (!error) {
        settle_records(volume, recovery);
        serve_suspects(volume, recovery);
    }
    pthread_setspecific(volume->serving, NULL);
    return error < 0 ? error : 0;
}

void recovery_serve(struct volume *volume, struct resent *resent)
{
    serve_again(volume, resent->request);
}
