// SPDX-License-Identifier: BSD-2-Clause
/*
 * Admission: whether a request that was received is served now, or deferred until another has been.
 *
 * A request that works on the store can take as long as a disk wants, for ever if the store's file
 * system is frozen or its server is gone. Such requests must not take all threads, and those of one
 * user not all that such requests may take. So the thread that receives looks at what the others
 * serve, and parks a request that has to wait (fs/state/parking.h). A thread that has served one
 * takes the next. A deferred request has not begun: if the worker dies, the next one defers it, or
 * the kernel sends it again.
 */
#ifndef SHMAPFS_ADMISSION_H
#define SHMAPFS_ADMISSION_H

#include <sys/queue.h>

#include "fs/inode/volume.h"

/* So many threads serve at once; others receive, and close what is deferred. */
#define ADMISSION_SERVING_MAX 13

/* With fewer requests under way every request is admitted. */
#define ADMISSION_ALWAYS 6

TAILQ_HEAD(deferred_requests, deferred_request);

struct admission {
    struct lock lock; // guards the queue
    struct deferred_requests queue;
    atomic_uint deferred;              // requests in the queue, or about to be
    atomic_uint serving;               // requests that are being served
    _Atomic uint64_t served[REQUESTS]; // what the thread of each record serves (admission.c)
    uint32_t begun[REQUESTS];          // how many it has begun to serve
};

void admission_init(struct admission *admission);

/* Admits the request that was received into a record, or defers it. Returns whether the caller is
 * to serve it; admission_end() comes after that. A request of a user who has too many deferred
 * is refused with ENOMEM. */
bool admission_begin(struct admission *admission, struct volume *volume, struct request *request);

/* Admits a request whatever is being served. */
void admission_admit(struct admission *admission, struct volume *volume,
                     const struct request *request);

/* Ends the service of a request that was admitted. Returns how many are still served. */
unsigned admission_end(struct admission *admission, const struct volume *volume,
                       const struct request *request);

/* Defers a request, whatever is being served. */
void admission_defer(struct admission *admission, struct volume *volume, struct request *request);

/* Defers the parked requests of another worker that the kernel still waits for, except those that
 * are in the buffer of a record, too. Call it before there are other threads. Returns 0 or a
 * negative errno. */
int admission_restore(struct admission *admission, struct volume *volume);

/* Admits a deferred request, if there is one that may be served now, and puts it into the record.
 * Returns whether it did. */
bool admission_resume(struct admission *admission, struct volume *volume, struct request *request);

/* Returns a number for the service of the request in a record, another one for each; 0: nothing is
 * served there that may work on the store. */
uint64_t admission_waits_on_store(const struct admission *admission, unsigned record);

/* Returns whether the service with that number goes on; if so, all that the caller has read from
 * the record before this call is of that request. */
bool admission_still_serves(struct admission *admission, unsigned record, uint64_t service);

/* Offers deferred requests that look at the store to `answer`, and drops those that it has
 * answered. */
void admission_answer_deferred(struct admission *admission, struct volume *volume,
                               bool (*answer)(struct volume *volume,
                                              const struct parked_head *head));

#endif
