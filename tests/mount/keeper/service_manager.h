// SPDX-License-Identifier: BSD-2-Clause
/*
 * The case as a service manager: it starts the daemon in the foreground, reads what it says, sends
 * it signals, and starts another one where the first one's mount lives on.
 */
#ifndef SHMAPFS_TESTS_SERVICE_MANAGER_H
#define SHMAPFS_TESTS_SERVICE_MANAGER_H

#include "tests/mount/workspace/workspace.h"

struct service_manager {
    const struct workspace *workspace;
    int socket;
};

/* A message of a process to the manager. */
struct service_message {
    pid_t from;
    char text[2048];
};

/* Opens the socket that $NOTIFY_SOCKET names; closes it. */
struct service_manager service_manager_listen(const struct workspace *workspace);
void service_manager_close(struct service_manager *manager);

/* How often services that are started from now on must say that they live. */
void set_watchdog_period(unsigned microseconds);

/* Takes the next message, for WAIT_SECONDS at most. Without waiting, returns false if there is
 * none. */
bool hear_message(const struct service_manager *manager, bool wait,
                  struct service_message *message);

/* Returns whether one line of the message is exactly this one. */
bool message_says(const struct service_message *message, const char *line);

/* Takes messages up to one that has this line. Only pings may come before it. */
struct service_message await_message(const struct service_manager *manager, const char *line);

/* Takes several pings, which must all be from this process. */
void await_pings(const struct service_manager *manager, pid_t from);

/* Takes all messages that are there, none of which may be from this process. */
void hear_nothing_from(const struct service_manager *manager, pid_t stranger);

/* Starts a daemon as a service manager does; what it says goes to the file «log». */
pid_t start_service(const struct service_manager *manager, const char *binary, const char *more);

/* Starts a service whose mount is new, or skips the case where that does not survive deaths. */
pid_t start_new_service(const struct service_manager *manager);

/* Starts it where its mount lives; returns what the manager is told when the start is done. */
struct service_message restart_service(const struct service_manager *manager, const char *binary,
                                       pid_t keeper);

/* The first half of a restart; returns the new keeper. */
pid_t pass_on_mount(const struct service_manager *manager, pid_t keeper);

/* Ends the service and the mount, and closes the manager's socket. */
void stop_service(struct service_manager *manager, pid_t keeper);

#endif
