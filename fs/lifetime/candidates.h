// SPDX-License-Identifier: BSD-2-Clause
/* The list behind last_close.h, for the files of this room. */
#ifndef SHMAPFS_CANDIDATES_H
#define SHMAPFS_CANDIDATES_H

#include <sys/tree.h>

#include "fs/inode/inode.h"
#include "fs/lifetime/close_watch.h"

#define CANDIDATE_NEVER UINT64_MAX

#define MILLISECOND UINT64_C(1000000)
#define SECOND      UINT64_C(1000000000)

/* A file that somebody has closed. Its node is kept (node_keep()) until its name has gone, and so
 * outlives the kernel's interest. */
struct candidate {
    RB_ENTRY(candidate) by_id;
    RB_ENTRY(candidate) by_handle; // only while it is watched
    RB_ENTRY(candidate) in_turn;
    uint64_t id;
    struct object_handle handle; // only while it is watched
    // Times, as clock_now() has them.
    _Atomic uint64_t closed; // when it was known to be used last
    uint64_t due;            // when it is to be looked at
    uint64_t looked;         // when it was
    uint64_t rests;          // until when it is not, whatever happens
    atomic_uint linger;      // seconds; UINT_MAX: not known yet
    atomic_uint tries;       // looks that found it used, since somebody has closed it
    bool watched;
    bool again;  // something happened while it was looked at
    bool unseen; // somebody has closed it, and it was not looked at since
    bool fresh;  // while it is looked at: it was unseen
};

RB_HEAD(candidates_by_id, candidate);
RB_HEAD(candidates_by_handle, candidate);
RB_HEAD(candidates_in_turn, candidate);

#define LOOKUPS_NOTED 1024

struct last_close {
    struct lock lock; // guards the candidates, and the start of the thread
    struct candidates_by_id by_id;
    struct candidates_by_handle by_handle;
    struct candidates_in_turn in_turn;
    uint64_t sleeps_until; // the thread; 0: it is awake
    // When the nodes were last looked up; two may share one.
    _Atomic uint64_t looked_up[LOOKUPS_NOTED];
    _Atomic uint64_t stale; // when an open found a file gone
    atomic_bool missed;     // files may be missing here: they are to be searched for
    atomic_bool over;
    struct close_watch watch; // the thread's own
    bool complained;
    int wake; // eventfd
    size_t stack_bytes;
    pthread_t thread;
    bool started;
};

/* Lists a file, or has one looked at again that is listed. */
void candidate_add(struct inode *inode);

/* Takes a file off the list. The lock is not held. */
void candidate_drop(struct volume *volume, struct candidate *candidate);

/* Finds the candidate that is due first. NULL: none is, and the thread is noted to sleep until
 * `*next`. */
struct candidate *candidate_choose(struct last_close *list, uint64_t *next);

/* Sets when a candidate is to be looked at. The lock is held. */
void candidate_set_due(struct last_close *list, struct candidate *candidate, uint64_t due);

/* Remember a candidate by its handle, for events, and forget it. The lock is not held. */
void candidate_note_watched(struct last_close *list, struct candidate *candidate);
void candidate_note_unwatched(struct last_close *list, struct candidate *candidate);

/* Has a file looked at that somebody has closed. */
void candidate_closed(struct last_close *list, const struct object_handle *handle);

/* Has all watched files looked at: somebody may have closed any. */
void candidates_closed(struct last_close *list);

/* Starts the thread that removes what nobody uses. The calling one acts as nobody from then on.
 * Returns 0 or a negative errno. The lock is held, or there are no other threads yet. */
int reaper_start(struct volume *volume);

/* Lists all files of the RAM areas that go with their last user and that nobody has open. */
void leftovers_find(struct volume *volume);

/* Returns until when a candidate stays although nobody uses it. */
uint64_t candidate_stays_until(struct last_close *list, const struct candidate *candidate);

/* Takes a file's name away; the node's stripe is held. Returns 0, also if it has none any more, or
 * a negative errno; -EAGAIN: somebody has looked it up meanwhile; -EMLINK: it has several; -ESTALE:
 * it has another one than it is known by. */
int removal_unlink(struct inode *inode, const struct candidate *candidate);

/* Tells the kernel that the last file to be removed has gone, and ends the removal. The caller
 * holds no lock. */
void removal_tell(struct volume *volume);

#endif
