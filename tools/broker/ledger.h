// SPDX-License-Identifier: BSD-2-Clause
/*
 * The ledger: how many registrations each connection has, in memory that the broker shares with its
 * children. A child counts before it registers, so that all mounts of a user together stay below
 * his limit.
 *
 * When a mount is gone the kernel does not show its connection any more; but the connection, and
 * what is registered with it, is there for as long as anybody has its device, which nothing tells.
 * So what a mount had when it went stays counted as its user's, and time forgives him: as many in
 * an hour as he may have.
 */
#ifndef SHMAPFS_TOOLS_LEDGER_H
#define SHMAPFS_TOOLS_LEDGER_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

#define LEDGER_ENTRIES         4096
#define LEDGER_ENTRIES_OF_USER 64

struct ledger {
    uint32_t files_max; // of a user
    uint64_t forgiven;  // when it was forgiven last, in seconds
    struct ledger_entry {
        _Atomic uint64_t key; // user and connection (0: those that have gone); 0: unused
        _Atomic int32_t files;
    } entries[LEDGER_ENTRIES];
};

/* Makes a ledger that children share. NULL: there is no memory. */
struct ledger *ledger_make(uint32_t files_max);

/* Counts one more registration. Returns 0, or -EMFILE: the user has as many as he may. */
int ledger_take(struct ledger *ledger, uid_t uid, uint32_t connection);

/* Counts one less. */
void ledger_give(struct ledger *ledger, uid_t uid, uint32_t connection);

/* Looks which connections have gone. `now` is in seconds. For the broker alone. */
void ledger_sweep(struct ledger *ledger, int connections, uint64_t now);

#endif
