// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process whose system calls are counted, thread by thread. They are counts and no times: what
 * else runs on the machine makes no difference to them. Only root can trace a worker.
 */
#ifndef SHMAPFS_TESTS_TRACED_WORKER_H
#define SHMAPFS_TESTS_TRACED_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

enum { TRACED_THREADS_MOST = 64, TRACED_NUMBERS = 512 };

struct traced_thread {
    pid_t tid;
    bool receives;                  // it has read from the device
    unsigned calls[TRACED_NUMBERS]; // by their numbers, since the counts began
};

struct traced_worker {
    pid_t pid;
    int device; // its descriptor of the FUSE device
    unsigned count;
    struct traced_thread threads[TRACED_THREADS_MOST];
};

/* Stops at each system call of the process from now on; and no more. */
void trace_worker(struct traced_worker *worker, pid_t pid);
void leave_worker(struct traced_worker *worker);

/* Begins to count anew, and counts until a child has ended; returns its status. */
void forget_calls(struct traced_worker *worker);
int count_calls_until_end(struct traced_worker *worker, pid_t child);

/* The calls of threads that receive requests: all that are no wait for a request or a lock, and no
 * memory of their own; and the answers and notices that they have written. */
unsigned calls_of_requests(const struct traced_worker *worker);
unsigned answers_of_requests(const struct traced_worker *worker);

/* One call's number in all threads, those that look after what nobody waits for among them. */
unsigned calls_of_all(const struct traced_worker *worker, unsigned number);

/* Prints what threads that receive have called, for each of so many pieces of work. */
void print_calls(const struct traced_worker *worker, unsigned pieces);

#endif
