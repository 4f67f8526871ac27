// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading a directory stream from where the kernel's client stands.
 *
 * Where an area's positions mean the same whatever comes and goes, the descriptor is set to what
 * the client names, and read.
 *
 * Before Linux 6.6 tmpfs' positions are counts: once a name was removed, the same number is another
 * place. Only a descriptor that is never set anywhere goes on at the right one. But the client
 * comes back to the middle of what it was given, whenever its program's buffer ends there, and to
 * its beginning after the death of a worker. So what the descriptor has given since then is kept,
 * in a record for each number of a descriptor, in memory that all processes of the mount share;
 * and getdents64() writes it right there, so that no worker can die between reading and keeping.
 * Which entries of a record have been read follows from where the descriptor stands.
 *
 * The kernel sends one READDIR of a stream at a time.
 */
#ifndef SHMAPFS_STREAM_H
#define SHMAPFS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STREAM_RECORD_BYTES 4096
#define STREAM_ENTRIES_MAX  (STREAM_RECORD_BYTES - 2 * sizeof(uint64_t))

struct stream_record {
    uint64_t handle; // of the stream; 0: none
    int64_t begin;   // the position of the first entry
    char entries[STREAM_ENTRIES_MAX];
};

/* A stream while one request reads it. */
struct stream {
    int fd;
    uint64_t handle;
    struct stream_record *record; // NULL: the positions hold
    size_t at, end;               // the entries of the record that are not given yet
};

/* Returns a memfd with room for the records of all streams, or a negative errno. */
int stream_memory_create(void);

/* Begins to read at `offset`. `memory`: the memfd of the records; 0: the positions hold. Returns 0
 * or a negative errno. */
int stream_start(struct stream *stream, int memory, off_t offset);

/* Lets go of the record's memory. */
void stream_leave(struct stream *stream);

/* Returns the length of the next entries, at `entries`; 0: there are no more; or a negative errno,
 * -EINVAL: none fits. They are `room` bytes at most where the caller's `buffer` is read into, or
 * into the record; more, where the client comes back to some that it was given before. The caller
 * that has made nothing of what it got so far gives `nothing_made`. */
ssize_t stream_next(struct stream *stream, char *buffer, size_t room, bool nothing_made,
                    const char **entries);

/* Gives the memory of a stream's record back, before its descriptor is closed. */
void stream_forget(int memory, int fd);

#endif
