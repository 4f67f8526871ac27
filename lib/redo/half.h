// SPDX-License-Identifier: BSD-2-Clause
/*
 * One of the two regions of records in a journal's file: records are appended to it, and read from
 * its beginning.
 */
#ifndef SHMAP_REDO_HALF_H
#define SHMAP_REDO_HALF_H

#include <stdint.h>

#include "lib/redo/record.h"

struct half {
    unsigned index;
    uint64_t generation;
    uint64_t sequence; // of the next record
    uint64_t end;      // bytes of records
    uint64_t synced;   // the last record that is known to be on disk
    uint64_t warm;     // bytes that the disk has room for already
};

/* Begins a half anew, for a generation. Its room on disk stays. */
void half_begin(struct half *half, uint64_t generation);

/* Has the disk make room for the first records, so that syncs need not wait for that. It does no
 * harm where that fails. */
void half_warm(int fd, struct half *half);

/* Appends records. Returns 0 or a negative errno, and then none of them is there; -ENOSPC: the half
 * or the disk is full. */
int half_append(int fd, struct half *half, struct records *records);

/* Reads which generation the first record of a half is of. Returns 0 or a negative errno; 0 is that
 * of a half without a record. */
int half_generation(int fd, unsigned half, uint64_t *generation);

/* Reads the records of a half, one after the other. */
struct half_reader {
    int fd;
    uint64_t base;
    uint64_t generation;
    uint64_t sequence; // of the next record
    uint64_t at;       // where it is
    uint8_t *buffer;
    uint64_t buffer_at;
    size_t buffered;
};

/* Returns 0 or -ENOMEM. */
int half_reader_begin(struct half_reader *reader, int fd, unsigned half, uint64_t generation);
void half_reader_end(struct half_reader *reader);

/* Finds the next record. Returns 1 and the record, its header and body in the machine's order,
 * until the next call; 0: it does not check, and so the records end before it; or a negative errno.
 * */
int half_reader_next(struct half_reader *reader, struct redo_header **record);

#endif
