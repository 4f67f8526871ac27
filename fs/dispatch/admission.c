// SPDX-License-Identifier: BSD-2-Clause
#include "fs/dispatch/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/dispatch/request_kind.h"
#include "fs/dispatch/serve.h"

/* How many of those that are served at once may work on the store, and how many may wait for the
 * disk there: a frozen file system lets others go on that only look. */
#define STORE_MAX  10
#define CHANGE_MAX 8

/* The last places of a kind are for users who have few of them. */
#define LAST_PLACES 2
#define FEW         2

/* How much memory one user's deferred requests may take; parking.h says how many they may be. */
#define USER_BYTES_MAX (64U << 20)

/* So many deferred requests are answered at most when the store becomes silent. */
#define OFFERED_MAX 256

static const unsigned PLACES[REQUEST_KINDS_ALL] = {
    [REQUEST_RAM] = ADMISSION_SERVING_MAX,
    [REQUEST_LOOK] = STORE_MAX,
    [REQUEST_CHANGE] = CHANGE_MAX,
};

/* One word says what a thread serves: a mark, the number of the service, the kind and the user. */
#define SERVED            (UINT64_C(1) << 63)
#define SERVED_NUMBER     34
#define SERVED_NUMBER_MAX ((UINT64_C(1) << 29) - 1)
#define SERVED_KIND       32

struct deferred_request {
    TAILQ_ENTRY(deferred_request) link;
    uint32_t user;
    enum request_kind kind;
    uint32_t length;
    int place; // where it is parked
    uint64_t unique;
};

static_assert(ADMISSION_ALWAYS + LAST_PLACES <= CHANGE_MAX, "nobody is refused before that");

void admission_init(struct admission *admission)
{
    lock_init(&admission->lock, LOCK_ADMISSION);
    TAILQ_INIT(&admission->queue);
}

/* Returns whether a request must not be deferred: nobody would find it after a death, or it is
 * about another one, or others may wait for what it gives back. */
static bool is_urgent(const struct fuse_in_header *header, enum request_kind kind)
{
    return request_is_forget(header->opcode) || header->opcode == FUSE_INTERRUPT ||
           header->opcode == FUSE_INIT || header->opcode == FUSE_DESTROY ||
           header->opcode == FUSE_NOTIFY_REPLY ||
           (header->opcode == FUSE_RELEASE && kind == REQUEST_RAM);
}

/* Returns whether one more request of a kind may be served, for this user. */
static bool has_place(struct admission *admission, enum request_kind kind, uint32_t user)
{
    unsigned all[REQUEST_KINDS_ALL] = { 0 }, own[REQUEST_KINDS_ALL] = { 0 };

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
                  const struct request *request, enum request_kind kind, uint32_t user)
{
    unsigned record = state_index(volume->state, request);
    uint64_t number = ++admission->begun[record] & SERVED_NUMBER_MAX;

    admission->served[record] =
        SERVED | number << SERVED_NUMBER | (uint64_t)kind << SERVED_KIND | user;
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
                    const struct fuse_in_header *header, enum request_kind kind, int place)
{
    struct deferred_request *deferred = malloc(sizeof(*deferred));

    if (!deferred)
        return false;
    *deferred = (struct deferred_request){ .user = header->uid,
                                           .kind = kind,
                                           .length = header->len,
                                           .place = place,
                                           .unique = header->unique };
    volume->releases_deferred += header->opcode == FUSE_RELEASE;
    TAILQ_INSERT_TAIL(&admission->queue, deferred, link);
    return true;
}

/* Takes a request over from its record; refuses it if its user has too many. The lock is held. */
static void defer(struct admission *admission, struct volume *volume, struct request *request,
                  enum request_kind kind)
{
    const struct fuse_in_header *header = serve_header(volume, request);
    bool unheard = is_unheard(header);
    int place = -ENOMEM;

    if (unheard || !has_too_many(admission, header->uid))
        place = parking_put(&volume->parking, header, unheard);
    if (place < 0 || !enqueue(admission, volume, header, kind, place)) {
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
    enum request_kind kind = request_kind_of(volume, header);
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
            defer(admission, volume, request, kind);
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

    admit(admission, volume, request, request_kind_of(volume, header), header->uid);
}

unsigned admission_end(struct admission *admission, const struct volume *volume,
                       const struct request *request)
{
    admission->served[state_index(volume->state, request)] = 0;
    return atomic_fetch_sub(&admission->serving, 1) - 1;
}

void admission_defer(struct admission *admission, struct volume *volume, struct request *request)
{
    enum request_kind kind = request_kind_of(volume, serve_header(volume, request));

    lock_take(&admission->lock);
    admission->deferred++;
    defer(admission, volume, request, kind);
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
        else if (!enqueue(admission, volume, &head.header, request_kind_of(volume, &head.header),
                          place))
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

uint64_t admission_waits_on_store(const struct admission *admission, unsigned record)
{
    uint64_t served = admission->served[record];

    return (served >> SERVED_KIND & 3) != REQUEST_RAM ? served : 0;
}

bool admission_still_serves(struct admission *admission, unsigned record, uint64_t service)
{
    // A read that also writes comes after all that was read before, as a mere read need not (Boehm,
    // «Can seqlocks get along with programming language memory models?», 2012).
    return atomic_fetch_add(&admission->served[record], 0) == service;
}

/* Lists deferred requests that look at the store, OFFERED_MAX at most. Returns how many. */
static unsigned list_looks(struct admission *admission, struct deferred_request looks[OFFERED_MAX])
{
    const struct deferred_request *deferred;
    unsigned count = 0;

    lock_take(&admission->lock);
    TAILQ_FOREACH(deferred, &admission->queue, link)
    {
        if (deferred->kind == REQUEST_LOOK && count < OFFERED_MAX)
            looks[count++] = *deferred;
    }
    lock_release(&admission->lock);
    return count;
}

/* Drops a deferred request, unless a thread serves it by now. */
static void drop_deferred(struct admission *admission, struct volume *volume, uint64_t unique)
{
    struct deferred_request *deferred;

    lock_take(&admission->lock);
    TAILQ_FOREACH(deferred, &admission->queue, link)
    {
        if (deferred->unique == unique)
            break;
    }
    if (deferred) {
        TAILQ_REMOVE(&admission->queue, deferred, link);
        admission->deferred--;
        parking_free(&volume->parking, deferred->place);
    }
    lock_release(&admission->lock);
    free(deferred);
}

void admission_answer_deferred(struct admission *admission, struct volume *volume,
                               bool (*answer)(struct volume *volume,
                                              const struct parked_head *head))
{
    struct deferred_request looks[OFFERED_MAX];
    unsigned count = list_looks(admission, looks);
    struct parked_head head;

    // Without the lock: a thread may take one up meanwhile, and its place may be another's.
    for (unsigned i = 0; i < count; i++) {
        if (parking_read_head(&volume->parking, looks[i].place, &head) &&
            head.header.unique == looks[i].unique && answer(volume, &head))
            drop_deferred(admission, volume, looks[i].unique);
    }
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
