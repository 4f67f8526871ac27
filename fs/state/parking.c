// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/parking.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/state/request.h"
#include "fs/util/checksum.h"
#include "lib/sys/cleanup.h"

/* Places for those that somebody has to serve in any case. */
#define LAST_PLACES 1024

/* Each place has room for the longest request; memory is taken as requests come. */
#define PLACES_AT ((off_t)256 << 10)
#define SIZE      (PLACES_AT + (off_t)PARKED_MAX * REQUEST_BYTES)

_Static_assert(sizeof(struct parking_marks) <= PLACES_AT, "the marks come before the places");

static off_t offset_of(int place)
{
    return PLACES_AT + (off_t)place * REQUEST_BYTES;
}

static int map_marks(struct parking *parking, int memfd)
{
    void *marks = mmap(NULL, sizeof(*parking->marks), PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);

    if (marks == MAP_FAILED)
        return -errno;
    *parking = (struct parking){ .memfd = memfd, .marks = marks };
    lock_init(&parking->lock, LOCK_PARKING);
    return 0;
}

int parking_create(struct parking *parking)
{
    CLEANUP_FD int memfd = memfd_create("shmapfs-parked", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error;

    if (memfd < 0 || ftruncate(memfd, SIZE) != 0 ||
        fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return -errno;
    error = map_marks(parking, memfd);
    if (!error)
        steal_fd(&memfd);
    return error;
}

int parking_attach(struct parking *parking, int memfd)
{
    struct stat st;

    if (fstat(memfd, &st) != 0 || st.st_size != SIZE)
        return -EPROTO;
    return map_marks(parking, memfd);
}

void parking_destroy(struct parking *parking)
{
    if (!parking->marks)
        return;
    munmap(parking->marks, sizeof(*parking->marks));
    close(parking->memfd);
    parking->marks = NULL;
}

static uint64_t mark_of(const struct fuse_in_header *header)
{
    return checksum_bytes(CHECKSUM_BYTES, header, sizeof(*header)) | 1;
}

/* Returns the lowest free place below `end`; -1: there is none. */
static int find_free(struct parking *parking, unsigned end)
{
    while (parking->lowest < end && parking->marks->places[parking->lowest])
        parking->lowest++;
    return parking->lowest < end ? (int)parking->lowest : -1;
}

/* Returns whether as many requests of a user are parked as may be. */
static bool has_parked_too_many(const struct parking_marks *marks, uint32_t user)
{
    unsigned count = 0;

    for (unsigned i = 0; i < PARKED_MAX && i < marks->end; i++)
        count += marks->users[i] == user && marks->places[i];
    return count >= PARKED_USER_MAX;
}

/* Writes the bytes of a request, which counts as parked after that. */
static int fill(struct parking *parking, int place, const struct fuse_in_header *header)
{
    struct parking_marks *marks = parking->marks;
    ssize_t length = pwrite(parking->memfd, header, header->len, offset_of(place));

    if (length != header->len)
        return length < 0 ? -errno : -ENOMEM;
    if (marks->end <= (unsigned)place)
        marks->end = (unsigned)place + 1;
    marks->users[place] = header->uid;
    atomic_store_explicit(&marks->places[place], mark_of(header), memory_order_release);
    return 0;
}

int parking_put(struct parking *parking, const struct fuse_in_header *header, bool always)
{
    int error = -ENOMEM;
    int place = -1;

    lock_take(&parking->lock);
    if (always || !has_parked_too_many(parking->marks, header->uid))
        place = find_free(parking, always ? PARKED_MAX : PARKED_MAX - LAST_PLACES);
    if (place >= 0)
        error = fill(parking, place, header);
    lock_release(&parking->lock);
    return error ? error : place;
}

bool parking_read(const struct parking *parking, int place, void *bytes, uint32_t length,
                  uint32_t offset)
{
    return pread(parking->memfd, bytes, length, offset_of(place) + offset) == length;
}

bool parking_read_head(const struct parking *parking, int place, struct parked_head *head)
{
    const struct fuse_in_header *header = &head->header;

    return parking_read(parking, place, head, sizeof(*head), 0) &&
           parking->marks->places[place] == mark_of(header) && header->len >= sizeof(*header) &&
           header->len <= REQUEST_BYTES;
}

void parking_free(struct parking *parking, int place)
{
    lock_take(&parking->lock);
    parking->marks->places[place] = 0;
    if (parking->lowest > (unsigned)place)
        parking->lowest = (unsigned)place;
    // Where that fails, the memory is for the next one.
    fallocate(parking->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset_of(place),
              REQUEST_BYTES);
    lock_release(&parking->lock);
}

int parking_next(const struct parking *parking, int place)
{
    uint32_t end = parking->marks->end;

    for (; place < PARKED_MAX && (uint32_t)place < end; place++) {
        if (parking->marks->places[place])
            return place;
    }
    return -1;
}
