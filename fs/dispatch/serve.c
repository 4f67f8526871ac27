// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/serve.h"

#include <unistd.h>

#include "fs/util/fault.h"

struct fuse_in_header *serve_header(const struct mount *mount, const struct request *request)
{
    return (void *)mount->state->buffers[state_index(mount->state, request)];
}

struct node_ledger *serve_ledger(struct mount *mount, const struct request *request)
{
    return node_ledger(&mount->nodes, state_index(mount->state, request));
}

ssize_t serve_receive(struct mount *mount, struct request *request)
{
    struct fuse_in_header *header = serve_header(mount, request);

    // What is in a buffer after a death was received, or has no length.
    header->len = 0;
    return read(mount->facts.device, header, mount->facts.request_bytes);
}

void serve_take_up(struct mount *mount, struct request *request)
{
    node_ledger_clear(&mount->nodes, serve_ledger(mount, request));
    request_begin(request, serve_header(mount, request));
}

void serve_request(struct mount *mount, struct request *request)
{
    struct fuse_in_header *header = serve_header(mount, request);
    struct fuse_buf buffer = { .mem = header, .size = header->len };

    pthread_setspecific(mount->serving, request);
    fault_point(FAULT_BEFORE_EXECUTION);
    fault_request(header);
    fuse_session_process_buf(mount->session, &buffer);
    if (request_state(request) == REQUEST_LEFT)
        return;
    // In this order: a FORGET that is still in the buffer of a record in use is replayed.
    header->len = 0;
    request_end(request);
}
