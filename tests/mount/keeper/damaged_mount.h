// SPDX-License-Identifier: BSD-2-Clause
/* A mount whose shared memory a case damages while clients use it. */
#ifndef SHMAPFS_TESTS_DAMAGED_MOUNT_H
#define SHMAPFS_TESTS_DAMAGED_MOUNT_H

#include "tests/mount/load/event_count.h"
#include "tests/mount/workspace/workspace.h"

enum { CLIENTS = 2, FILES = 4 };

/* A client, in memory that it shares with the case. */
struct damaged_client {
    struct event_count news;
    atomic_uint rounds;
    atomic_bool stop, done;
    atomic_uint written[FILES];  // which contents a file has
    atomic_uint intended[FILES]; // or has, if the call that gives it them has come that far
};

/*
 * When the memory is damaged: while the worker serves; while it is stopped in the middle of
 * whatever it does; or while it is stopped with a request that it has carried out, before or after
 * it notes the result.
 */
enum moment { SERVING, STOPPED, EXECUTED, ANSWERING };

struct damaged_mount {
    const struct workspace *workspace;
    pid_t keeper, clients[CLIENTS];
    struct damaged_client *client;
    uint8_t *state, *table;
    size_t state_bytes, table_bytes;
};

/* Mounts, and starts the clients. */
void damaged_mount_start(struct damaged_mount *damaged, const struct workspace *workspace,
                         enum moment moment);

/* Returns when each client has done some more rounds, or has ended. */
void await_rounds(const struct damaged_mount *damaged);

/* Kills the worker, if it is still there. */
void kill_worker(const struct damaged_mount *damaged);

/* Ends the clients and the mount, and holds the store to what was written. Returns whether the
 * damage was noticed. */
bool damaged_mount_end(struct damaged_mount *damaged);

/* Opens a memory of a mount, through the keeper's descriptor of it. */
int open_memory(pid_t keeper, const char *name);

#endif
