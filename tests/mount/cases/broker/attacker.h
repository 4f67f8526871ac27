// SPDX-License-Identifier: BSD-2-Clause
/* A stranger, and the messages that he sends to the broker. */
#ifndef SHMAPFS_TESTS_ATTACKER_H
#define SHMAPFS_TESTS_ATTACKER_H

#include "lib/broker/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* These are for a process that has become somebody. */

/* Connects. Returns a socket or a negative errno. */
int attacker_connect(void);

/* Sends bytes with so many descriptors. Returns whether that was taken. */
bool attacker_send(int socket, const void *bytes, size_t length, const int *fds, unsigned count);

enum { NO_ANSWER = -250 };

/* Waits for the answer. Returns its result; NO_ANSWER: the connection was ended instead. */
int attacker_answer(int socket);

/* Asks with one descriptor, and returns the result. */
int attacker_ask(int socket, enum broker_verb verb, int fd, int id);

/* A conversation over a new connection, with descriptors that root has opened. */
struct attack {
    int file; // -1: none is sent
    int device;
    enum broker_verb verb; // for the device; 0: it is not sent
    int id;
};

/* Holds one as a user, who is in a group (0: in his own alone). Returns the errno of the first
 * refusal, otherwise 0 or an id. */
int attack_as(uid_t uid, gid_t group, const struct attack *attack);

/* Asserts that a user is told so about a file: 0 or an errno. */
void assert_file(uid_t uid, int file, int expected);

/* A FUSE mount whose connection is a user's. By root. */
struct raw_mount {
    int device;
    char path[128];
};

/* Mounts on an existing file or directory (the mode says which), and agrees with the kernel on
 * passthrough. */
void raw_mount(struct raw_mount *mount, const char *path, mode_t mode, uid_t owner);
void raw_unmount(struct raw_mount *mount);

/* Starts a process that answers each open of a mounted file with a backing id (0: none), until it
 * is killed. It never answers a flush if it `hangs`. */
pid_t raw_serve(const struct raw_mount *mount, int id, bool hangs);

#endif
