// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/dispatch/serve.h"
#include "fs/inode/class.h"
#include "lib/api/point.h"
#include "lib/api/shmap.h"

/* How many of those that are served at once may work on the store, and how many may wait for the
 * disk there: a frozen file system lets others go on that only look. */
#define STORE_MAX  10
#define CHANGE_MAX 8

/* The last places of a kind are for users who have few of them. */
#define LAST_PLACES 2
#define FEW         2

/* How much memory one user's deferred requests may take; parking.h says how many they may be. */
#define USER_BYTES_MAX (64U << 20)

/* The kinds of requests, by what they may wait for; a higher one takes the places of a lower one,
 * too. */
enum kind { RAM, LOOK, CHANGE, KINDS };

static const unsigned PLACES[KINDS] = {
    [RAM] = ADMISSION_SERVING_MAX,
    [LOOK] = STORE_MAX,
    [CHANGE] = CHANGE_MAX,
};

/* One word says what a thread serves: a mark, the kind and the user. */
#define SERVED                  (UINT64_C(1) << 63)
#define SERVED_KIND             32
#define SERVED_PACK(kind, user) (SERVED | (uint64_t)(kind) << SERVED_KIND | (user))

struct deferred_request {
    TAILQ_ENTRY(deferred_request) link;
    uint32_t user;
    enum kind kind;
    uint32_t length;
    int place; // where it is parked
};

static_assert(ADMISSION_ALWAYS + LAST_PLACES <= CHANGE_MAX, "nobody is refused before that");

void admission_init(struct admission *admission)
{
    lock_init(&admission->lock, LOCK_ADMISSION);
    TAILQ_INIT(&admission->queue);
}

/* Returns whether a request asks for an attribute that the daemon itself has. */
static bool is_control(const struct fuse_in_header *header)
{
    const char *name = (const char *)(header + 1) + sizeof(struct fuse_getxattr_in);

    return header->opcode == FUSE_GETXATTR &&
           strncmp(name, SHMAP_XATTR_PREFIX, strlen(SHMAP_XATTR_PREFIX)) == 0;
}

/* Returns whether a request is about what was committed at one moment, for which the daemon reads
 * and writes files of the store. */
static bool is_about_point(const struct fuse_in_header *header)
{
    const char *name = (const char *)(header + 1) + sizeof(struct fuse_getxattr_in);

    return header->opcode == FUSE_GETXATTR &&
           strncmp(name, SHMAP_XATTR_POINT, strlen(SHMAP_XATTR_POINT)) == 0;
}

/* Returns whether a request may change a directory in RAM, of which the store may keep a skeleton
 * (fs/class/mirror.h). */
static bool changes_skeleton(const struct volume *volume, const struct fuse_in_header *header)
{
    const struct fuse_setattr_in *attributes = (const void *)(header + 1);

    if (!volume_keeps_skeletons(volume))
        return false;
    switch (header->opcode) {
    case FUSE_MKDIR:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_SETXATTR:
    case FUSE_REMOVEXATTR:
    case FUSE_IOCTL:
        return true;
    case FUSE_SETATTR:
        return attributes->valid & (FATTR_MODE | FATTR_UID | FATTR_GID);
    default:
        return false;
    }
}

/* Returns whether a request asks for a sync that its file's class does not wait for. */
static bool syncs_nothing(struct volume *volume, const struct fuse_in_header *header)
{
    int class = header->opcode == FUSE_FSYNC || header->opcode == FUSE_FSYNCDIR
                    ? node_class(&volume->nodes, header->nodeid)
                    : -1;

    return class >= 0 && !volume->classes[class]->sync_waits;
}

static enum kind kind_of(struct volume *volume, const struct fuse_in_header *header)
{
    if (!volume_has_area(volume, AREA_STORE))
        return RAM;
    if (node_area(&volume->nodes, header->nodeid) != AREA_STORE)
        return changes_skeleton(volume, header) ? CHANGE : RAM;
    if (is_about_point(header))
        return CHANGE;
    if (is_control(header) || syncs_nothing(volume, header))
        return RAM;
    switch (header->opcode) {
    case FUSE_ACCESS:
    case FUSE_GETATTR:
    case FUSE_GETLK:
    case FUSE_GETXATTR:
    case FUSE_LISTXATTR:
    case FUSE_LOOKUP:
    case FUSE_LSEEK:
    case FUSE_OPENDIR:
    case FUSE_READ:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS:
    case FUSE_READLINK:
    case FUSE_RELEASEDIR:
    case FUSE_STATFS:
        return LOOK;
    default:
        return CHANGE;
    }
}

/* Returns whether a request must not be deferred: nobody would find it after a death, or it is
 * about another one, or others may wait for what it gives back. */
static bool is_urgent(const struct fuse_in_header *header, enum kind kind)
{
    return request_is_forget(header->opcode) || header->opcode == FUSE_INTERRUPT ||
           header->opcode == FUSE_INIT || header->opcode == FUSE_DESTROY ||
           header->opcode == FUSE_NOTIFY_REPLY || (header->opcode == FUSE_RELEASE && kind == RAM);
}

/* Returns whether one more request of a kind may be served, for this user. */
static bool has_place(struct admission *admission, enum kind kind, uint32_t user)
{
    unsigned all[KINDS] = { 0 }, own[KINDS] = { 0 };

    for (int i = 0; i < REQUESTS; i++) {
        uint64_t served = admission->served[i];

        for (int k = 0; (served & SERVED) && k <= (int)(served >> SERVED_KIND & 3); k++) {
            all[k]++;
            own[k] += (uint32_t)served == user;
        }
    }
    for (unsigned k = 0; k <= kind; k++) {
        if (all[k] >= PLACES[k] || (own[k] >= FEW && all[k] + LAST_PLACES >= PLACES[k]))
            return false;
    }
    return true;
}

static void admit(struct admission *admission, const struct volume *volume,
                  const struct request *request, enum kind kind, uint32_t user)
{
    admission->served[state_index(volume->state, request)] = SERVED_PACK(kind, user);
    admission->serving++;
}

/* Returns whether nobody would hear of an error. The kernel bounds such requests: it writes what it
 * took from a client before, or tells of the end of something. */
static bool is_unheard(const struct fuse_in_header *header)
{
    const struct fuse_write_in *write = (const void *)(header + 1);

    return header->opcode == FUSE_RELEASE || header->opcode == FUSE_RELEASEDIR ||
           (header->opcode == FUSE_WRITE && (write->write_flags & FUSE_WRITE_CACHE));
}

static bool has_too_many(const struct admission *admission, uint32_t user)
{
    const struct deferred_request *deferred;
    uint64_t bytes = 0;

    TAILQ_FOREACH(deferred, &admission->queue, link)
    {
        bytes += deferred->user == user ? deferred->length : 0;
    }
    return bytes > USER_BYTES_MAX;
}

/* Puts a parked request into the queue. Returns false if there is no memory. */
static bool enqueue(struct admission *admission, struct volume *volume,
                    const struct fuse_in_header *header, int place)
{
    struct deferred_request *deferred = malloc(sizeof(*deferred));

    if (!deferred)
        return false;
    *deferred = (struct deferred_request){
        .user = header->uid, .kind = kind_of(volume, header), .length = header->len, .place = place
    };
    volume->releases_deferred += header->opcode == FUSE_RELEASE;
    TAILQ_INSERT_TAIL(&admission->queue, deferred, link);
    return true;
}

/* Takes a request over from its record; refuses it if its user has too many. The lock is held. */
static void defer(struct admission *admission, struct volume *volume, struct request *request)
{
    const struct fuse_in_header *header = serve_header(volume, request);
    bool unheard = is_unheard(header);
    int place = -ENOMEM;

    if (unheard || !has_too_many(admission, header->uid))
        place = parking_put(&volume->parking, header, unheard);
    if (place < 0 || !enqueue(admission, volume, header, place)) {
        serve_refuse(volume, request, ENOMEM);
        admission->deferred--;
        if (place >= 0)
            parking_free(&volume->parking, place);
    }
    serve_drop(volume, request);
}

bool admission_begin(struct admission *admission, struct volume *volume, struct request *request)
{
    const struct fuse_in_header *header = serve_header(volume, request);
    enum kind kind = kind_of(volume, header);
    bool admitted = admission->serving < ADMISSION_ALWAYS || is_urgent(header, kind);

    if (!admitted) {
        lock_take(&admission->lock);
        // In this order: a thread that ends a request looks at the count after that.
        admission->deferred++;
        admitted = has_place(admission, kind, header->uid);
        if (admitted) {
            admission->deferred--;
            admit(admission, volume, request, kind, header->uid);
        } else {
            defer(admission, volume, request);
        }
        lock_release(&admission->lock);
    } else {
        admit(admission, volume, request, kind, header->uid);
    }
    return admitted;
}

void admission_admit(struct admission *admission, struct volume *volume,
                     const struct request *request)
{
    const struct fuse_in_header *header = serve_header(volume, request);

    admit(admission, volume, request, kind_of(volume, header), header->uid);
}

unsigned admission_end(struct admission *admission, const struct volume *volume,
                       const struct request *request)
{
    admission->served[state_index(volume->state, request)] = 0;
    return atomic_fetch_sub(&admission->serving, 1) - 1;
}

void admission_defer(struct admission *admission, struct volume *volume, struct request *request)
{
    lock_take(&admission->lock);
    admission->deferred++;
    defer(admission, volume, request);
    lock_release(&admission->lock);
}

/* Returns whether a parked request is in the buffer of a record, too: the worker may have died
 * while it parked the request, or took it up again. */
static bool is_in_buffer(const struct state *state, const struct fuse_in_header *parked)
{
    for (unsigned i = 0; i < REQUESTS; i++) {
        const struct fuse_in_header *header = state_received(state, i);

        if (header->len != 0 && header->unique == parked->unique)
            return true;
    }
    return false;
}

int admission_restore(struct admission *admission, struct volume *volume)
{
    struct parking *parking = &volume->parking;
    struct parked_head head;
    int awaited, place = -1;

    while ((place = parking_next(parking, place + 1)) >= 0) {
        if (!parking_read_head(parking, place, &head))
            volume_damaged(volume, "a parked request has a wrong checksum");
        awaited =
            is_in_buffer(volume->state, &head.header) ? 0 : serve_is_awaited(volume, &head.header);
        if (awaited < 0)
            return awaited;
        if (!awaited)
            parking_free(parking, place);
        else if (!enqueue(admission, volume, &head.header, place))
            return -ENOMEM;
        admission->deferred += (unsigned)awaited;
    }
    return 0;
}

/* Takes the first deferred request that may be served now off the queue. */
static struct deferred_request *take(struct admission *admission, const struct volume *volume,
                                     const struct request *request)
{
    struct deferred_request *deferred;

    lock_take(&admission->lock);
    TAILQ_FOREACH(deferred, &admission->queue, link)
    {
        if (has_place(admission, deferred->kind, deferred->user))
            break;
    }
    if (deferred) {
        TAILQ_REMOVE(&admission->queue, deferred, link);
        admission->deferred--;
        admit(admission, volume, request, deferred->kind, deferred->user);
    }
    lock_release(&admission->lock);
    return deferred;
}

bool admission_resume(struct admission *admission, struct volume *volume, struct request *request)
{
    struct deferred_request *deferred =
        admission->deferred > 0 ? take(admission, volume, request) : NULL;

    if (!deferred)
        return false;
    serve_restore(volume, request, deferred->place, deferred->length);
    parking_free(&volume->parking, deferred->place);
    volume->releases_deferred -= serve_header(volume, request)->opcode == FUSE_RELEASE;
    free(deferred);
    return true;
}
