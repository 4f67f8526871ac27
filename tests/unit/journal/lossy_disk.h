// SPDX-License-Identifier: BSD-2-Clause
/*
 * A disk that may lose what was not synced. It stands in for lib/redo/disk.c: it does what that
 * does, and keeps a trace; from the trace files are made as a crash at some moment may leave them,
 * each sector with some of what was written to it since its file was synced.
 */
#ifndef LOSSY_DISK_H
#define LOSSY_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/redo/disk.h"

/* Keeps a trace from now on. `at_point` is called at each named point of the journal; it may use
 * the journal. */
void lossy_begin(void (*at_point)(enum disk_point point));
void lossy_end(void);

/* Forgets the trace. */
void lossy_clear(void);

/* How many events there are. */
size_t lossy_events(void);

/* Lets the writes to files of the store after so many fail, so that a recovery ends in its midst;
 * -1: none fails. */
void lossy_fail_store_after(int writes);

/* Lets writes to the journal, or its syncs, fail with an errno; 0: they do not. Those to the spill
 * file do not fail. */
void lossy_fail_writes(int error, int spill);
void lossy_fail_syncs(int error);

/* The contents of a file when the events up to one had happened, and the disk lost power. */
struct lossy_file;

/* Begins to go through the trace for a file, by its inode number; from `content` on, which is what
 * it had when the trace began. */
struct lossy_file *lossy_file_new(uint64_t inode, const void *content, size_t size);
void lossy_file_free(struct lossy_file *file);

/* Goes on to before an event. */
void lossy_file_advance(struct lossy_file *file, size_t event);

/* How much of what was not synced is on the disk. */
enum loss { LOSS_ALL, LOSS_NONE, LOSS_SECTORS, LOSS_SOME, LOSS_KINDS };

/* Writes to a descriptor what a crash leaves here. */
void lossy_file_crash(struct lossy_file *file, enum loss loss, unsigned *seed, int fd);

#endif
