// SPDX-License-Identifier: BSD-2-Clause
/* A client: a process that makes the calls that it is told to make, in one of the two worlds. */
#ifndef SHMAPFS_TESTS_FUZZ_CLIENT_H
#define SHMAPFS_TESTS_FUZZ_CLIENT_H

#include "tests/mount/fuzz/limits.h"
#include "tests/mount/fuzz/sequence.h"
#include "tests/mount/harness/coprocess.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The result of an operation. The call is for people; the rest must be the same in both worlds. */
struct fuzz_result {
    int64_t value;
    int error;
    char call[192];
    char data[1024];
};

struct fuzz_mapping {
    char *address; // NULL: none
    size_t length, offset;
    int protection;
    bool shared;
    int file; // an O_PATH descriptor of what is mapped
};

/* The data common to a client and the one who tells it what to do; in memory that both share. */
struct fuzz_seat {
    bool end;
    unsigned op;
};

struct fuzz_client {
    const char *directory;
    struct fuzz_place place;
    unsigned number;
    const struct fuzz_op *ops;
    struct fuzz_seat *seat;
    struct fuzz_result *results; // one for each operation; shared, too
    struct coprocess process;

    // In the process itself.
    struct fuzz_result *result; // of the operation under way
    int base;
    int fds[FUZZ_SLOTS];
    struct fuzz_mapping mappings[FUZZ_MAPPINGS];
};

/* Starts its process. Returns 0 or a negative errno. */
int fuzz_client_start(struct fuzz_client *client);

/* Ends it; returns its exit status, or 128 + signal. */
int fuzz_client_end(struct fuzz_client *client);

/* For the calls: which call it is; its result (-1: with errno); what else it told. */
void fuzz_says(struct fuzz_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void fuzz_gives(struct fuzz_client *client, int64_t value);
void fuzz_tells(struct fuzz_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void fuzz_tells_bytes(struct fuzz_client *client, const void *bytes, size_t count);

/* The descriptor for the operation, or -1, and its slot: the first one that is used, from the one
 * that the operation names. */
int fuzz_fd(struct fuzz_client *client, const struct fuzz_op *op, unsigned which);
unsigned fuzz_slot(const struct fuzz_client *client, const struct fuzz_op *op, unsigned which);

/* Closes the descriptor of a slot. Returns what close(2) returns. */
int fuzz_close(struct fuzz_client *client, unsigned slot);

/* Puts a new descriptor (or -1, with errno) in the operation's first slot; closes the old one. */
void fuzz_gives_fd(struct fuzz_client *client, const struct fuzz_op *op, int fd);

#define FUZZ_CHOOSE(array, choice) ((array)[(choice) % (sizeof(array) / sizeof((array)[0]))])

#endif
