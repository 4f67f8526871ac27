// SPDX-License-Identifier: BSD-2-Clause
#include "lib/redo/half.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/redo/disk.h"

/* The disk has room for so many more bytes than there are records, if it can. */
#define AHEAD (UINT64_C(512) << 10)
#define CHUNK (UINT64_C(1) << 20)

#define READ_ROOM (UINT64_C(1) << 20)
static_assert(READ_ROOM >= REDO_RECORD_MAX, "each record fits into the buffer");

void half_begin(struct half *half, uint64_t generation)
{
    half->generation = generation;
    half->sequence = 1;
    half->end = 0;
    half->synced = 0;
}

void half_warm(int fd, struct half *half)
{
    if (half->warm + CHUNK <= REDO_HALF_SIZE &&
        disk_warm(fd, CHUNK, REDO_HALF_AT(half->index) + half->warm) == 0)
        half->warm += CHUNK;
}

int half_append(int fd, struct half *half, struct records *records)
{
    uint64_t end = half->end + records->size;
    uint64_t count;
    int error;

    if (records->failed)
        return -ENOMEM;
    if (end > REDO_HALF_SIZE)
        return -ENOSPC;
    while (end > half->warm && half->warm < REDO_HALF_SIZE) {
        uint64_t warm = half->warm;

        half_warm(fd, half);
        if (half->warm == warm)
            break;
    }
    if (end + AHEAD > half->warm)
        half_warm(fd, half);
    count = records_seal(records, half->generation, half->sequence);
    error = disk_write(fd, records->bytes, records->size, REDO_HALF_AT(half->index) + half->end);
    if (error)
        return error;
    half->end = end;
    half->sequence += count;
    return 0;
}

int half_generation(int fd, unsigned half, uint64_t *generation)
{
    struct redo_header header;
    int error = disk_read(fd, &header, sizeof(header), REDO_HALF_AT(half));

    if (!error)
        *generation = le32toh(header.magic) == REDO_RECORD_MAGIC ? le64toh(header.generation) : 0;
    return error;
}

int half_reader_begin(struct half_reader *reader, int fd, unsigned half, uint64_t generation)
{
    *reader = (struct half_reader){
        .fd = fd,
        .base = REDO_HALF_AT(half),
        .generation = generation,
        .sequence = 1,
        .buffer = malloc(READ_ROOM),
    };
    return reader->buffer != NULL ? 0 : -ENOMEM;
}

void half_reader_end(struct half_reader *reader)
{
    free(reader->buffer);
    reader->buffer = NULL;
}

static size_t buffered_after(const struct half_reader *reader)
{
    return (size_t)(reader->buffer_at + reader->buffered - reader->at);
}

/* Has a whole record in the buffer, however long it is, if there is one. */
static int fill(struct half_reader *reader)
{
    uint64_t room = REDO_HALF_SIZE - reader->at;
    int error;

    if (buffered_after(reader) >= REDO_RECORD_MAX || buffered_after(reader) == room)
        return 0;
    reader->buffer_at = reader->at;
    reader->buffered = (size_t)(room < READ_ROOM ? room : READ_ROOM);
    error = disk_read(reader->fd, reader->buffer, reader->buffered, reader->base + reader->at);
    if (error)
        reader->buffered = 0;
    return error;
}

/* Bodies are words, but for the handle in the last ones of an OBJECT. */
static void to_machine_order(struct redo_header *record)
{
    uint64_t *words = (uint64_t *)(record + 1);
    uint64_t length = le64toh(record->length);
    size_t count = (length - sizeof(*record)) / sizeof(*words);

    record->type = le16toh(record->type);
    record->length = length;
    record->sequence = le64toh(record->sequence);
    record->generation = le64toh(record->generation);
    if (record->type == REDO_OBJECT && count > REDO_HANDLE_ROOM / sizeof(*words))
        count -= REDO_HANDLE_ROOM / sizeof(*words);
    for (size_t i = 0; i < count; i++)
        words[i] = le64toh(words[i]);
}

int half_reader_next(struct half_reader *reader, struct redo_header **record)
{
    int error = fill(reader);
    size_t room = buffered_after(reader);

    if (error)
        return error;
    if (room < sizeof(**record))
        return 0;
    *record = (struct redo_header *)(void *)(reader->buffer + (reader->at - reader->buffer_at));
    if (!record_is_whole(*record, room, reader->generation, reader->sequence))
        return 0;
    to_machine_order(*record);
    reader->at += (*record)->length;
    reader->sequence++;
    return 1;
}
