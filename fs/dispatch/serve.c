// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/serve.h"

#include <unistd.h>

#include "fs/util/fault.h"

struct fuse_in_header *serve_header(const struct volume *volume, const struct request *request)
{
    return (void *)volume->state->buffers[state_index(volume->state, request)];
}

struct node_ledger *serve_ledger(struct volume *volume, const struct request *request)
{
    return node_ledger(&volume->nodes, state_index(volume->state, request));
}

ssize_t serve_receive(struct volume *volume, struct request *request)
{
    struct fuse_in_header *header = serve_header(volume, request);

    // After a death, a request whose length is not 0 was received.
    header->len = 0;
    return read(volume->info.device, header, volume->info.request_bytes);
}

void serve_begin(struct volume *volume, struct request *request)
{
    node_ledger_clear(&volume->nodes, serve_ledger(volume, request));
    request_begin(request, serve_header(volume, request));
}

void serve_request(struct volume *volume, struct request *request)
{
    struct fuse_in_header *header = serve_header(volume, request);
    struct fuse_buf buffer = { .mem = header, .size = header->len };

    pthread_setspecific(volume->serving, request);
    fault_point(FAULT_BEFORE_EXECUTION);
    fault_request(header);
    fuse_session_process_buf(volume->session, &buffer);
    if (request_state(request) == REQUEST_HANDED_OFF)
        return;
    // In this order: a FORGET that is still in the buffer of a record in use is replayed.
    header->len = 0;
    request_end(request);
}
