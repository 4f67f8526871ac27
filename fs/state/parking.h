// SPDX-License-Identifier: BSD-2-Clause
/*
 * Parked requests: they were received, are not answered, and have no record, because they wait for
 * a place among those that are served, or for a disk.
 *
 * Their bytes lie in a memfd, beside the state: a kernel that does not send requests again waits
 * for ever for the answer to one that is lost. A request that a worker was about to park, or to
 * take from here, may be in the buffer of a record as well, and one that is here may have been
 * answered: whoever recovers has to look (fs/dispatch/recovery.c).
 */
#ifndef SHMAPFS_PARKING_H
#define SHMAPFS_PARKING_H

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/util/lock.h"

/* How many requests can be parked. */
#define PARKED_MAX 16384

/* How many of one user's. */
#define PARKED_USER_MAX (PARKED_MAX / 4)

/* In shared memory, at the beginning of the memfd. */
struct parking_marks {
    _Atomic uint32_t end;                // nothing was ever parked at this place, or above
    _Atomic uint64_t places[PARKED_MAX]; // of the header that is parked there; 0: none
    uint32_t users[PARKED_MAX];          // whose it is; older versions leave them as they are
};

/* The beginning of a request: all of it that tells what it may wait for. */
struct parked_head {
    struct fuse_in_header header;
    uint8_t body[64];
};

struct parking {
    int memfd;
    struct parking_marks *marks;
    struct lock lock; // guards the places, and the rest
    unsigned lowest;  // no place below it is free
};

/* Makes the memory. Returns 0 or a negative errno. */
int parking_create(struct parking *parking);

/* Takes the memory of an earlier process over. Returns 0 or a negative errno; -EPROTO: it is no
 * such memory. */
int parking_attach(struct parking *parking, int memfd);

void parking_destroy(struct parking *parking);

/* Parks the request whose bytes begin with `header`. Without `always` its user must not have too
 * many there, and the last places are kept. Returns its place or a negative errno. */
int parking_put(struct parking *parking, const struct fuse_in_header *header, bool always);

/* Reads the beginning of a parked request. Returns false if its header was overwritten. */
bool parking_read_head(const struct parking *parking, int place, struct parked_head *head);

/* Reads so many bytes of a parked request, from an offset. Returns false if that fails. */
bool parking_read(const struct parking *parking, int place, void *bytes, uint32_t length,
                  uint32_t offset);

void parking_free(struct parking *parking, int place);

/* Returns the first place from `place` on where a request is parked; -1: there is none. */
int parking_next(const struct parking *parking, int place);

#endif
