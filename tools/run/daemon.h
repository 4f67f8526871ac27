// SPDX-License-Identifier: BSD-2-Clause
/*
 * A shmapfs as a child process, and how it tells that its mount is ready.
 */
#ifndef SHMAPCTL_DAEMON_H
#define SHMAPCTL_DAEMON_H

#include <limits.h>
#include <stdbool.h>

#include "tools/run/held.h"

struct daemon {
    struct held process;
    int notices; // a socket: readable when the daemon has something to tell
    char address[16];
    char home[PATH_MAX]; // the directory of this program; empty: unknown
};

/* Opens the socket, before a namespace is entered. Returns 0 or a negative errno. */
int daemon_prepare(struct daemon *daemon);

/* In the child: waits to be released, and executes `shmapfs` with these arguments (the first is its
 * name, the last NULL): the one beside this program, or that of PATH. */
_Noreturn void daemon_execute(struct daemon *daemon, const char *const arguments[]);

/* Reads what it has to tell. Returns whether its mount is ready, and then closes the socket. */
bool daemon_is_ready(struct daemon *daemon);

#endif
