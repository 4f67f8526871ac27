// SPDX-License-Identifier: BSD-2-Clause
/* The list behind last_close.h, for the files of this room. */
#ifndef SHMAPFS_CANDIDATES_H
#define SHMAPFS_CANDIDATES_H

#include <sys/queue.h>

#include "fs/inode/inode.h"
#include "fs/lifetime/close_watch.h"

#define CANDIDATE_NEVER UINT64_MAX

/* A file that nobody has open. The list uses its node, which so outlives the kernel's interest. */
struct candidate {
    LIST_ENTRY(candidate) by_id;
    LIST_ENTRY(candidate) by_handle; // only while it is watched
    TAILQ_ENTRY(candidate) in_turn;  // only while `due` is not CANDIDATE_NEVER
    struct inode inode;
    struct object_handle handle;
    uint64_t closed; // when it was listed, as clock_now() has it
    uint64_t due;    // when it is to be looked at
    unsigned linger; // seconds; UINT_MAX: not known yet
    unsigned tries;
    bool watched;
    bool again; // something happened while it was looked at
};

#define CANDIDATE_BUCKETS 1024
#define LOOKUPS_NOTED     1024

struct last_close {
    struct lock lock; // guards the candidates
    LIST_HEAD(, candidate) by_id[CANDIDATE_BUCKETS];
    LIST_HEAD(, candidate) by_handle[CANDIDATE_BUCKETS];
    TAILQ_HEAD(, candidate) in_turn;
    // When the nodes were last looked up; two may share one.
    _Atomic uint64_t looked_up[LOOKUPS_NOTED];
    _Atomic uint64_t stale; // when an open found a file gone
    struct close_watch watch;
    atomic_bool over;
    bool complained;
    int wake; // eventfd
    pthread_t thread;
    bool started;
};

/* Lists a file, or looks at one again that is listed. */
void candidate_add(struct inode *inode);

/* Takes a file off the list. The lock is not held. */
void candidate_drop(struct volume *volume, struct candidate *candidate);

/* Sets when a candidate is to be looked at. The lock is held. */
void candidate_set_due(struct last_close *list, struct candidate *candidate, uint64_t due);

/* Remembers a candidate by its handle, for events. The lock is held. */
void candidate_note_watched(struct last_close *list, struct candidate *candidate);

/* Has a file looked at whose last user may have gone. The lock is held. */
void candidate_closed(struct last_close *list, const struct object_handle *handle);

/* The thread's body, for a volume: removes what nobody uses. */
void *reaper_run(void *argument);

/* Lists all files of the RAM areas that go with their last user. */
void leftovers_find(struct volume *volume);

/* Takes a file's name away; the node's stripe is held. Returns 0, also if it has none any more, or
 * a negative errno. */
int removal_unlink(struct inode *inode);

/* Tells the kernel that the last file to be removed has gone, and ends the removal. The caller
 * holds no lock. */
void removal_tell(struct volume *volume);

#endif
