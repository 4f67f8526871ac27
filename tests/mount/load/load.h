// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many processes that use a directory at the same time, and hold every result of every call to what
 * it must be.
 *
 * Each kind of load works in a directory of its own, in rounds that begin and end with nothing open
 * but what the kind holds on purpose. All that is wrong is counted, and the first of it is told on
 * standard error: a call that did not give what it had to is a failed call; contents, attributes or
 * a ledger that are not what they must be, a difference.
 */
#ifndef SHMAPFS_TESTS_LOAD_H
#define SHMAPFS_TESTS_LOAD_H

#include "tests/mount/load/event_count.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct load;

/* One process of a load, as its kind sees it; in memory that all share. */
struct load_process {
    struct load *load;
    const struct load_kind *kind;
    unsigned member; // which of the kind's processes this is
    void *shared;    // the kind's memory, common to its processes
    void *own;       // for the kind, in each process
    uint64_t random;
    pid_t pid;
    const char *call; // what it does or did last
    char path[64];
    bool busy; // it does it still
};

struct load_kind {
    const char *name; // of its directory, too, which is the working directory of all that follows
    unsigned processes;
    size_t shared_size;
    bool lockstep;   // its processes begin their rounds together
    bool persistent; // works in the store
    bool attributes; // uses some of its own, which files in RAM may lack

    void (*prepare)(struct load_process *); // once, by member 0 before the other members begin
    void (*begin)(struct load_process *);   // every process, before its first round
    void (*round)(struct load_process *);
    // Every process, with none of the kind's in a round, before each pause and the end: holds
    // everything to what it must be, and removes what begin and prepare have not made, or looks at
    // all that stays.
    void (*rest)(struct load_process *);
    void (*end)(struct load_process *); // every process, at last
};

/* All kinds that can work together, up to NULL. */
extern const struct load_kind *const load_everything[];

struct load_figures {
    uint64_t calls;
    uint64_t failed;
    uint64_t different;
};

/* Numbers that all processes count together. */
struct load_tally {
    struct event_count
        news; // rings when a process has come to rest, and when the target is reached
    atomic_uint_least64_t calls, failed, different;
    atomic_uint_least64_t target; // the number of calls that is waited for, or 0
    atomic_uint complaints;
};

/* Starts the processes in this directory, each of which rests at first. NULL, having said why, if
 * that fails. */
struct load *load_start(const char *directory, const struct load_kind *const kinds[],
                        uint64_t seed);

/* Lets every process go on; brings every process to rest. A negative errno, having said which
 * process does what: some have ended or make no progress. */
int load_run(struct load *load);
int load_rest(struct load *load);

/* Waits until so many more calls have been made. 0 or a negative errno, as above. */
int load_await_calls(struct load *load, unsigned calls);

/* Ends the processes, that rest, and frees everything. */
struct load_figures load_stop(struct load *load);

struct load_figures load_figures(const struct load *load);

/*
 * For the kinds. The call is an expression; the path says what it is about. Each macro counts the
 * call, holds it to what it must give and evaluates to its result.
 */
#define CALL(process, path, call) \
    load_worked(process, (load_enter(process, #call, path), (long)(call)))
#define CALL_GIVES(process, path, wanted, call) \
    load_gave(process, wanted, (load_enter(process, #call, path), (long)(call)))
/* 0, or the errno wanted. 0 for wanted: the call must succeed. */
#define CALL_FAILS(process, path, wanted, call) \
    load_refused(process, wanted, (load_enter(process, #call, path), (long)(call)))
/* 0 for success, or one of the two. */
#define CALL_MAY_FAIL(process, path, one, other, call) \
    load_allowed(process, one, other, (load_enter(process, #call, path), (long)(call)))

void load_enter(struct load_process *process, const char *call, const char *path);
long load_worked(struct load_process *process, long result);
bool load_gave(struct load_process *process, long wanted, long result);
bool load_refused(struct load_process *process, int wanted, long result);
int load_allowed(struct load_process *process, int one, int other, long result);

/* Counts a difference if the two are not the same; returns whether they are. */
bool load_same(struct load_process *process, const char *what, const char *path, int64_t found,
               int64_t wanted);
bool load_same_bytes(struct load_process *process, const char *what, const char *path,
                     const void *found, const void *wanted, size_t size);

unsigned load_random(struct load_process *process, unsigned below);

/* Memory that processes to come will share, zeroed; ends the process when there is none. */
void *load_memory(size_t size);

/* Waits for the other processes of the kind, which come here too. True for one of them. */
bool load_meet(struct load_process *process);

#endif
