// SPDX-License-Identifier: BSD-2-Clause
/*
 * Requests that wait for the store: the ticker sees how long each of them takes, and has the store
 * watch look (fs/outage/store_watch.h).
 *
 * Once the store is silent, some of them are answered by the ticker, while their threads still
 * wait: those that would be answered without the store now. When such a thread answers at last, the
 * kernel does not wait for that any more.
 */
#ifndef SHMAPFS_STORE_WAITS_H
#define SHMAPFS_STORE_WAITS_H

#include "fs/dispatch/admission.h"

/* The ticker's view of the request in a record. */
struct store_wait {
    uint64_t service; // admission_waits_on_store()
    uint64_t since;
    bool tried; // to answer it in its thread's place
};

struct store_waits {
    struct store_wait seen[REQUESTS];
    unsigned looks;  // at deferred requests, since the store became silent
    uint64_t looked; // when
};

/* Looks after them. Returns whether there is something to look after. */
bool store_waits_tick(struct store_waits *waits, struct admission *admission,
                      struct volume *volume);

#endif
