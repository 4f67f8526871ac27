// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/serve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fs/locks/file_locks.h"
#include "fs/state/request_counts.h"
#include "fs/util/clock.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"

/* An INTERRUPT has the number of the request that it is about, with this bit, which requests do not
 * have: FUSE_INT_REQ_BIT of the kernel's fs/fuse/dev.c since Linux 4.20. */
#define INTERRUPT_BIT UINT64_C(1)

struct fuse_in_header *serve_header(const struct volume *volume, const struct request *request)
{
    return state_received(volume->state, state_index(volume->state, request));
}

struct node_ledger *serve_ledger(struct volume *volume, const struct request *request)
{
    return node_ledger(&volume->nodes, state_index(volume->state, request));
}

/* Others look at it (fs/inode/orphans.c). */
static void set_length(struct fuse_in_header *header, uint32_t length)
{
    __atomic_store_n(&header->len, length, __ATOMIC_RELEASE);
}

ssize_t serve_receive(struct volume *volume, struct request *request)
{
    struct fuse_in_header *header = serve_header(volume, request);
    ssize_t length;

    // After a death, a request whose length is not 0 was received.
    set_length(header, 0);
    volume->reading++;
    length = read(volume->info.device, header, volume->info.request_bytes);
    volume->reading--;
    // A request that came in part did not come.
    if (length < 0)
        set_length(header, 0);
    return length;
}

bool serve_goes_on(int error)
{
    return error == EINTR || error == ENOENT || error == EFAULT || error == ENOMEM;
}

void serve_restore(struct volume *volume, struct request *request, int place, uint32_t length)
{
    struct fuse_in_header *header = serve_header(volume, request);
    uint32_t rest = sizeof(header->len);

    // The length comes last: after a death, a part of a request must not pass for the request.
    if (!parking_read(&volume->parking, place, (char *)header + rest, length - rest, rest))
        volume_damaged(volume, "a parked request cannot be read");
    set_length(header, length);
}

int serve_is_awaited(const struct volume *volume, const struct fuse_in_header *header)
{
    // The answer to an INTERRUPT has no consequence if it is no error, but the kernel says whether
    // it has the request that would be interrupted: only while it waits for an answer to it.
    struct fuse_out_header question = { .len = sizeof(question),
                                        .unique = header->unique | INTERRUPT_BIT };

    // An INTERRUPT itself is never answered.
    if (header->unique & INTERRUPT_BIT)
        return 0;
    if (write(volume->info.device, &question, sizeof(question)) == sizeof(question))
        return 1;
    return errno == ENOENT ? 0 : -errno;
}

void serve_refuse(struct volume *volume, const struct request *request, int error)
{
    // The kernel knows the request by the number that it last sent it under.
    struct fuse_out_header reply = { .len = sizeof(reply),
                                     .error = -error,
                                     .unique = serve_header(volume, request)->unique };

    if (write(volume->info.device, &reply, sizeof(reply)) != sizeof(reply))
        log_event(LOG_WARNING, "the kernel did not accept the refusal: %s", strerror(errno));
}

void serve_drop(struct volume *volume, struct request *request)
{
    set_length(serve_header(volume, request), 0);
}

void serve_begin(struct volume *volume, struct request *request)
{
    node_ledger_clear(&volume->nodes, serve_ledger(volume, request));
    request_begin(request, serve_header(volume, request));
}

void serve_interrupt(struct volume *volume, const struct fuse_in_header *header)
{
    const struct fuse_interrupt_in *interrupt = (const void *)(header + 1);

    file_locks_interrupt(volume, interrupt->unique);
}

void serve_request(struct volume *volume, struct request *request)
{
    struct fuse_in_header *header = serve_header(volume, request);
    struct fuse_buf buffer = { .mem = header, .size = header->len };
    unsigned record = state_index(volume->state, request);
    uint64_t began = clock_now();
    uint32_t opcode = header->opcode;

    pthread_setspecific(volume->serving, request);
    request_counts_add(volume->counts, record, opcode);
    fault_point(FAULT_BEFORE_EXECUTION);
    fault_request(header);
    if (header->opcode == FUSE_INTERRUPT && volume_forwards_locks(volume))
        serve_interrupt(volume, header);
    else
        fuse_session_process_buf(volume->session, &buffer);
    if (request_state(request) == REQUEST_HANDED_OFF)
        return;
    request_counts_lasted(volume->counts, record, opcode, clock_now() - began);
    // In this order: a FORGET that is still in the buffer of a record in use is replayed.
    set_length(header, 0);
    request_end(request);
}
