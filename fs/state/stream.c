// SPDX-License-Identifier: BSD-2-Clause
#include "fs/state/stream.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "fs/nodes/node_table.h"
#include "lib/sys/cleanup.h"

_Static_assert(sizeof(struct stream_record) == STREAM_RECORD_BYTES, "a page for each record");

int stream_memory_create(void)
{
    CLEANUP_FD int memfd = memfd_create("shmapfs-streams", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (memfd < 0 || ftruncate(memfd, (off_t)NODE_FD_MAX * STREAM_RECORD_BYTES) != 0 ||
        fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return -errno;
    return steal_fd(&memfd);
}

/* Returns the entry at a place of a record; NULL: what is there is none. */
static const struct dirent64 *record_entry_at(const struct stream_record *record, size_t at)
{
    const struct dirent64 *entry = (const void *)(record->entries + at);
    size_t name = offsetof(struct dirent64, d_name);

    if (at + name >= STREAM_ENTRIES_MAX || entry->d_reclen <= name ||
        entry->d_reclen > STREAM_ENTRIES_MAX - at || entry->d_reclen % sizeof(uint64_t) != 0 ||
        !memchr(entry->d_name, '\0', entry->d_reclen - name))
        return NULL;
    return entry;
}

/* Finds the entries between `offset` and `here`, where the descriptor stands. Returns whether the
 * record has both. */
static bool find_entries(struct stream *stream, off_t offset, off_t here)
{
    off_t position = stream->record->begin;
    bool found = false;

    if (stream->record->handle != stream->handle)
        return false;
    for (stream->end = 0;;) {
        const struct dirent64 *entry;

        if (position == offset && !found) {
            stream->at = stream->end;
            found = true;
        }
        if (position == here)
            return found;
        entry = record_entry_at(stream->record, stream->end);
        if (!entry)
            return false;
        position = entry->d_off;
        stream->end += entry->d_reclen;
    }
}

/* Makes the record begin where the descriptor stands. */
static void restart(struct stream *stream, off_t here)
{
    // Never a record of this stream with another one's beginning.
    __atomic_store_n(&stream->record->handle, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&stream->record->begin, here, __ATOMIC_RELEASE);
    __atomic_store_n(&stream->record->handle, stream->handle, __ATOMIC_RELEASE);
    stream->at = stream->end = 0;
}

int stream_start(struct stream *stream, int memory, off_t offset)
{
    off_t here = memory ? lseek(stream->fd, 0, SEEK_CUR) : -1;

    if (memory) {
        void *record = mmap(NULL, STREAM_RECORD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                            (off_t)stream->fd * STREAM_RECORD_BYTES);

        if (record == MAP_FAILED)
            return -errno;
        stream->record = record;
        // From the beginning a directory is listed as it is now.
        if (offset > 0 && find_entries(stream, offset, here) && stream->at < stream->end)
            return 0;
    }
    if (here != offset && lseek(stream->fd, offset, SEEK_SET) < 0)
        return -errno;
    if (stream->record)
        restart(stream, offset);
    return 0;
}

void stream_leave(struct stream *stream)
{
    if (stream->record)
        munmap(stream->record, STREAM_RECORD_BYTES);
    stream->record = NULL;
}

/* Reads entries behind those that the record has. */
static ssize_t read_into_record(struct stream *stream, size_t room)
{
    size_t left = STREAM_ENTRIES_MAX - stream->end;

    return getdents64(stream->fd, stream->record->entries + stream->end, room < left ? room : left);
}

ssize_t stream_next(struct stream *stream, char *buffer, size_t room, bool nothing_made,
                    const char **entries)
{
    ssize_t length;

    *entries = buffer;
    if (!stream->record) {
        length = getdents64(stream->fd, buffer, room);
        return length < 0 ? -errno : length;
    }
    if (stream->at == stream->end) {
        length = read_into_record(stream, room);
        // The record may be full of names that are all gone.
        if (length < 0 && errno == EINVAL && nothing_made && stream->end > 0) {
            restart(stream, lseek(stream->fd, 0, SEEK_CUR));
            length = read_into_record(stream, room);
        }
        if (length <= 0)
            return length < 0 ? -errno : 0;
        stream->end += (size_t)length;
    }
    *entries = stream->record->entries + stream->at;
    length = (ssize_t)(stream->end - stream->at);
    stream->at = stream->end;
    return length;
}

void stream_forget(int memory, int fd)
{
    fallocate(memory, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)fd * STREAM_RECORD_BYTES,
              STREAM_RECORD_BYTES);
}
