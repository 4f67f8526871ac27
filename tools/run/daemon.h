// SPDX-License-Identifier: BSD-2-Clause
/*
 * A shmapfs as a child process, and how it tells that its mount is ready.
 */
#ifndef SHMAPCTL_DAEMON_H
#define SHMAPCTL_DAEMON_H

#include "tools/run/held.h"

#include <limits.h>
#include <stdbool.h>

struct daemon {
    struct held process;
    int notices; /* a socket: readable when the daemon has something to tell */
    char address[16];
    char home[PATH_MAX]; /* the directory of this program; empty: unknown */
};

/* Before a namespace is entered: opens the socket. Returns 0 or a negative errno. */
int daemon_prepare(struct daemon *daemon);

/* In the child: waits to be released, and becomes `shmapfs` with these words (the first is its
 * name, the last NULL): the one beside this program, or that of PATH. */
_Noreturn void daemon_become(struct daemon *daemon, char *const words[]);

/* Reads what it has to tell: whether its mount is ready. The socket is closed then. */
bool daemon_is_ready(struct daemon *daemon);

#endif
