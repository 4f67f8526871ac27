// SPDX-License-Identifier: BSD-2-Clause
/* Messages over a Unix socket that bring at most one descriptor each. */
#ifndef SHMAP_BROKER_MESSAGE_H
#define SHMAP_BROKER_MESSAGE_H

#include <stddef.h>
#include <sys/types.h>

/* Sends a message with a descriptor (-1: none). It waits for nothing and raises no signal. Returns
 * 0 or a negative errno. */
int message_send(int socket, const void *bytes, size_t length, int fd);

/* Takes a message that is there, with at most one descriptor, which closes on exec. The kernel
 * drops further ones, without the work that close(2) can be: then *fd is -1 as well. Returns the
 * length, which is more than `size` for a longer message; 0: the other side has closed; or a
 * negative errno. */
ssize_t message_take(int socket, void *bytes, size_t size, int *fd);

#endif
