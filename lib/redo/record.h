// SPDX-License-Identifier: BSD-2-Clause
/*
 * Records before they are appended: several in a row, of which the headers are completed by the
 * half that they go to.
 */
#ifndef SHMAP_REDO_RECORD_H
#define SHMAP_REDO_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/redo/format.h"

struct records {
    uint8_t *bytes;
    size_t size;
    size_t room;
    bool failed; // for lack of memory
};

/* The times and sizes after a change, as its record has them. */
struct record_state {
    uint64_t object;
    uint64_t size;
    int64_t mtime;
};

void records_clear(struct records *records);

void record_object(struct records *records, const struct redo_object *object);
/* `checksums`: of each page; NULL: the blocks are spilled. */
void record_write(struct records *records, const struct record_state *state, uint64_t page,
                  uint64_t pages, uint64_t block, const uint64_t *checksums);
void record_size(struct records *records, const struct record_state *state, uint64_t limit);
void record_hole(struct records *records, const struct record_state *state, uint64_t page,
                 uint64_t pages);
/* Begins a COMMIT; record_committed() is to be called `count` times then. */
void record_commit(struct records *records, uint64_t synced, uint64_t count);
void record_committed(struct records *records, const struct record_state *state);
/* DROP, FORGET, FAILED, TURNED. */
void record_one(struct records *records, enum redo_type type, uint64_t value);

/* Completes the headers of all, with sequences from `sequence` on. Returns how many there are. */
uint64_t records_seal(struct records *records, uint64_t generation, uint64_t sequence);

/* Returns whether what is at `header` is a whole record of a generation and a sequence; `room`: of
 * so many bytes. */
bool record_is_whole(const struct redo_header *header, size_t room, uint64_t generation,
                     uint64_t sequence);

#endif
