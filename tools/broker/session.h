// SPDX-License-Identifier: BSD-2-Clause
/* A session: one connection, served by a child that has become the peer. */
#ifndef SHMAPFS_TOOLS_SESSION_H
#define SHMAPFS_TOOLS_SESSION_H

#include <stdbool.h>

#include "tools/broker/ledger.h"

struct session {
    int peer;        // the connection
    int broker;      // what only the broker itself may do is asked for there
    int connections; // connections_open()
    uid_t uid;       // of the peer
    struct ledger *ledger;
    unsigned seconds; // that a request may take, or a file may wait for its device
    int file; // a backing file that waits for its device, by a descriptor of our own; -1: none
    bool complained; // a refusal is logged once for each connection
};

/* Serves the connection until the peer ends it or says what is no question, or until the broker
 * ends or shuts its side. */
void session_run(struct session *session);

#endif
