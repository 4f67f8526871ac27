// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state: what outlives the process that serves a mount, beside the node table. One shared
 * mapping without pointers.
 *
 * A process that goes on with a mount is a fork of its keeper, or another program altogether (an
 * upgrade), which must know this layout: version_of_state() changes with it.
 */
#ifndef SHMAPFS_STATE_H
#define SHMAPFS_STATE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "fs/state/life.h"
#include "fs/state/request.h"
#include "lib/area/area.h"
#include "lib/area/store_lock.h"
#include "lib/process/cred.h"

/* The way of an area's data to programs. */
struct data_path {
    // In the kernel, to a backing file; otherwise through FUSE's page cache and the daemon.
    bool passthrough;
    char reason[128]; // why not
};

/* Mount info: what is known of a mount when it begins, and stays. */
struct mount_info {
    char mountpoint[PATH_MAX]; // absolute, without symlinks
    char store[PATH_MAX];      // likewise; empty: none
    uint64_t mount_id;         // of the mount at `mountpoint`, while it is there
    dev_t device_number;       // of the mount
    uid_t owner;
    bool skeletons; // of all anonymous class roots are kept; false: an older version mounted
    bool brokered;  // the broker registers backing files; false: the daemon does
    bool shared;    // other hosts mount the store, too; false: also, an older version mounted
    struct area areas[AREAS_OF_MOUNT]; // the others are in a table (area_table.h)
    struct data_path data_paths[AREAS_OF_MOUNT];
    struct cred cred;
    double timeout;          // for names and attributes that only change through the mount
    bool keeps_listings;     // the kernel keeps listings until names change through the mount
    bool lists_unopened;     // the kernel lists directories without opening them
    bool backing_takes_open; // the kernel registers no O_PATH descriptors, only open ones
    bool wants_passthrough;
    bool wants_writeback;
    bool writeback;  // FUSE's page cache holds writes back
    bool io_flusher; // the serving process is an I/O flusher, as prctl(2) has it
    bool wants_io_uring;
    bool io_uring;            // requests come over io_uring
    bool notifies;            // a service manager has started it
    char survival[128];       // why the mount does not outlive its process; empty: it does
    bool hasty_writeback;     // the kernel does not wait for what it writes to the store (hold.h)
    uint8_t user_descriptors; // the percentage that one user can pin; 0: an older version mounted
    uint32_t request_bytes;   // room for the longest request
    int device;               // the FUSE connection
    int descriptors_limit;    // all numbers of descriptors are below it
    int nodes;                // the node table's memory
    uint8_t numbering;        // enum inode_numbering; 0: an older version mounted
    uint8_t mount_mark[3];    // tells the mount from later ones with its id; 0: not known
};

#define INIT_MAX 256

/* INIT, the kernel's first request. */
struct question {
    uint32_t length;
    _Alignas(uint64_t) uint8_t bytes[INIT_MAX];
};

/* The agreement with the kernel. */
struct agreement {
    uint64_t features;
    uint32_t max_write;
    uint32_t max_readahead;
    uint32_t max_background;
    uint32_t stack_depth;
    uint64_t made; // 0: nothing yet
};

/* Descriptors by which the keeper and its workers reach each other. */
struct keeper_fds {
    int signals; // signalfd of the signals that both handle
    int go;      // eventfd: the standby is to serve
    int serving; // eventfd: the worker serves
    int alive;   // pidfd of the keeper
};

/* Facts about the store in case that it does not answer, or is mounted anew (fs/outage). */
struct outage {
    _Atomic uint64_t silent; // since when it does not answer, in seconds since 1970; 0: it does
    struct stat root;        // the attributes of the mount's root there, as told last
    uint64_t root_check;
    _Atomic uint32_t root_without_acl; // it has no ACL, as told last; 0: it may have one
    struct store_identity identity;    // zeroes: an older version has mounted
    // The store as it was opened anew, for the next worker.
    struct reattach {
        _Atomic uint32_t begun;
        int root, mount, lock; // what was opened, as in struct area
        uint32_t found, lost;  // descriptors, the last time
        _Atomic uint32_t times;
    } reattach;
    int record; // of this host (struct store_lock); 0: not known; -1: there is none
};

/* So much of the room for a path is left; older versions leave zeroes behind a path. */
#define UPGRADE_PATH_MAX (PATH_MAX - 256)
_Static_assert(sizeof(struct outage) <= PATH_MAX - UPGRADE_PATH_MAX, "there is room");

struct upgrade {
    char binary[UPGRADE_PATH_MAX]; // the binary to hand over to
    union {
        struct outage outage;
        char room[PATH_MAX - UPGRADE_PATH_MAX];
    };
    char refusal[256]; // why the last binary was refused; empty: it was not
};

/* Nodes whose attributes the kernel is still to be told to drop (pending_invalidation.h). */
#define PENDING_INVALIDATIONS 256
struct pending_invalidations {
    _Atomic uint32_t count;
    struct pending_invalidation {
        uint64_t id;
        uint64_t state; // what the file was like when it was opened
        uint32_t
            opening; // the number of the last one, which another open of the worker does not have
    } nodes[PENDING_INVALIDATIONS];
};

/* Says that a class keeps its files in FUSE's page cache, whichever way their area's data goes. */
enum caches_class {
    CACHES_CLASS = 1,        // one does by now
    CACHES_CLASS_BEGINS = 2, // one did when the mount began, so that requests are long
};

/* Room for the names of anon= and scratch=, with a NUL each. */
#define STATE_ANON_MAX 1536

struct state {
    uint64_t magic;
    uint32_t version;
    uint32_t bytes;
    uint32_t node_layout; // of the node table
    // A huge= that was set since the mount, as 1 + its place in RAM_HUGE_WORDS; 0: none was.
    _Atomic uint32_t huge;
    struct mount_info info;
    struct question asked;
    struct agreement agreed;
    struct life life;
    struct keeper_fds keeper_fds;
    struct upgrade upgrade;
    char program[PATH_MAX];   // where the running binary came from
    uint64_t check;           // of `info` and `agreed`; 0 until they are sealed
    _Atomic uint32_t suspect; // 1 + the index of the request that is served alone; 0: none
    // A timeout= that was set since the mount, in seconds, plus 1; 0: none was.
    _Atomic uint32_t timeout;
    struct pending_invalidations pending;
    struct request requests[REQUESTS];
    // The handle of what keeps the kernel's side of the mount (fs/vfs/hold.h); 0: nothing does.
    _Atomic uint64_t hold;
    // There are class roots that keep their skeletons (fs/class/mirror.h).
    _Atomic uint32_t keeps_skeletons;
    // The names that anon= gave, which stay anonymous (fs/class/anon_names.h), and behind the NUL
    // those of scratch=. An older version mounted: empty.
    char anon[STATE_ANON_MAX];
    bool umount_ends; // an unmount ends the mount everywhere; false: also, an older version mounted
    // Other mount options, as -o takes them, of which nothing else here tells; empty: an older
    // version mounted. They are for the mount's status alone.
    char options[512];
    bool read_only;      // the mount began read-only and still is: nothing in the store is marked
    uint16_t keep_alive; // keepalive=, in seconds; 0: servers are not asked (fs/hosts/keep_alive.h)
    int streams; // the memfd of what directory streams have read (stream.h); 0: none is needed
    int parked;  // memfd of parked requests (parking.h); 0: an older version has made the mount
    _Atomic uint32_t lifetimes; // some directory is marked with one (fs/lifetime/last_close.h)
    _Atomic uint64_t removing;  // the node that is being removed with its last user; 0: none
    int areas;                  // memfd of the table of areas (area_table.h); 0: likewise
    int unclosed; // memfd of what the broker is to close (fs/broker/registrar.h); 0: none is needed
    // The store was emptied of what was in scratch directories, and can have them
    // (fs/scratch/emptying.h); 0: also, an older version mounted.
    uint32_t scratch;
    // Of enum caches_class; 0: none does, or an older version has mounted.
    _Atomic uint32_t caches_class;
    uint32_t journal_blocks; // log=, in blocks of 4 KiB; 0: an older version has mounted
    int spill;               // a file in RAM for what the journal has no room for; 0: none yet
    uint8_t session[16];     // tells the mount's journal from those of others; 0: not made yet
    // Files of the store may have a class of their own (lib/class/file_mark.h); 0: an older version
    // has mounted.
    _Atomic uint32_t file_classes;
    int locks; // memfd of the owners of locks (lock_table.h); 0: the kernel keeps them
    _Alignas(4096) uint8_t buffers[REQUESTS][REQUEST_BYTES];
};

// A mount that is in use has it so; whatever is added takes room that there is.
_Static_assert(offsetof(struct state, buffers) == 28672 && sizeof(struct state) == 16871424,
               "the layout stays");

static inline unsigned state_index(const struct state *state, const struct request *request)
{
    return (unsigned)(request - state->requests);
}

static inline struct outage *state_outage(struct state *state)
{
    return &state->upgrade.outage;
}

/* Returns the beginning of the bytes that were received into a record; a length of 0: none. */
static inline struct fuse_in_header *state_received(const struct state *state, unsigned record)
{
    return (void *)(uintptr_t)state->buffers[record];
}

/* Seals `info` and `agreed`; state_is_valid() tells whether they are unchanged since. */
void state_seal(struct state *state);
bool state_is_valid(const struct state *state);

/* Returns whether state_seal() was ever called. */
static inline bool state_is_sealed(const struct state *state)
{
    return state->check != 0;
}

/* Puts the memory of the buffers in place, as far as requests need it, before there is something to
 * serve: a kill while the kernel copies a request to memory that is not there yet would be an error
 * for the client. */
void state_populate_buffers(struct state *state, uint32_t bytes);

/* FUSE_PASSTHROUGH of linux/fuse.h since Linux 6.9, in the upper half of FUSE's flags. */
#define STATE_PASSTHROUGH (UINT64_C(1) << 37)

/* Returns whether the kernel offers a feature of the upper half of FUSE's flags. */
bool state_kernel_offers(const struct state *state, uint64_t feature);

/* Returns whether the kernel sends unanswered requests again, as FUSE_NOTIFY_RESEND asks it to. */
bool state_kernel_resends(const struct state *state);

/* Notes the handle of what keeps the kernel's side of the mount. From then on the memory has the
 * next version: a binary that does not know of the hold would never let go of it. */
void state_set_hold(struct state *state, uint64_t handle);

/* Notes the memfd of parked requests. Where the kernel does not send requests again, the memory has
 * the version after that: a binary that relies on it would wait for them in vain. */
void state_set_parked(struct state *state, int memfd);

/* Notes that there are areas beside the first ones. From then on the memory has a version that an
 * earlier binary, which would look for them in `info`, does not go on with. */
void state_set_own_areas(struct state *state);

/* Notes that the broker registers the mount's backing files, and the memfd of what it is to close.
 * The memory has the version after that,
 * too: a binary that asks the kernel itself could open no file. */
void state_set_brokered(struct state *state, int unclosed);

/* Notes that there are scratch directories. From then on an earlier binary, to which their class is
 * no word, does not go on with the memory. */
void state_set_scratch(struct state *state);

/* Returns the names of scratch=. */
const char *state_scratch_names(const struct state *state);

/* Notes that there are files of such a class. An earlier binary, which does not serve it, is not to
 * go on with the mount. */
void state_set_cached_class(struct state *state, enum caches_class which);

/* Notes that other hosts mount the store, too. An earlier binary, which would have the kernel
 * believe what they have changed, does not go on with the mount. */
void state_set_shared(struct state *state);

/* Notes the memfd of the owners of locks. An earlier binary, which would answer no request about a
 * lock, does not go on with the mount. */
void state_set_locks(struct state *state, int memfd);

/* Notes that files of the store may have a class of their own. An earlier binary does not go on
 * with the mount. */
void state_set_file_classes(struct state *state);

/* Creates a state in the memory of a new memfd. Returns the memfd or a negative errno. */
int state_create(struct state **state);

/* Maps an existing state. -EPROTO: the memory is no state, or has another layout; `why` says
 * which. */
int state_attach(int memfd, struct state **state, const char **why);

#endif
