// SPDX-License-Identifier: BSD-2-Clause
/*
 * Messages to the service manager: the protocol of sd_notify(3), datagrams to $NOTIFY_SOCKET.
 * Nothing is allocated, and no descriptor stays open.
 */
#ifndef SHMAPFS_NOTIFY_H
#define SHMAPFS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
    struct sockaddr_un address;
    socklen_t length;     // of the address; 0: nobody listens
    uint64_t watchdog_us; // "WATCHDOG=1" is wanted at least this often; 0: never
    uint64_t next;        // when the next one is due
};

/* Reads from the environment whom to tell, and how often. The environment stays as it is: the next
 * binary reads it too. */
void notify_prepare(struct notify *notify);

/* Sends one message: assignments such as "READY=1", with newlines between. Returns 0, also when
 * nobody listens, or a negative errno; -EMSGSIZE: the message is longer than 1 KiB. */
int notify_send(const struct notify *notify, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns the milliseconds until the manager should hear again that the daemon lives, for poll(2);
 * -1: it does not want to. */
int notify_wait(const struct notify *notify);

/* Returns whether that is due now. If so, it is due again some time later. */
bool notify_is_due(struct notify *notify);

#endif
