// SPDX-License-Identifier: BSD-2-Clause
#include "lib/redo/record.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define ROOM_MIN 512U

void records_clear(struct records *records)
{
    free(records->bytes);
    *records = (struct records){ .size = 0 };
}

/* Adds bytes, all zero. NULL: no memory. */
static void *add_bytes(struct records *records, size_t size)
{
    void *added;

    if (records->size + size > records->room) {
        size_t room = records->room * 2 + size + ROOM_MIN;
        uint8_t *grown = realloc(records->bytes, room);

        if (grown == NULL) {
            records->failed = true;
            return NULL;
        }
        records->bytes = grown;
        records->room = room;
    }
    added = records->bytes + records->size;
    memset(added, 0, size);
    records->size += size;
    return added;
}

/* Adds a record with a body of `size` bytes. Returns the body, or NULL. */
static void *add_record(struct records *records, enum redo_type type, size_t size)
{
    struct redo_header *header = add_bytes(records, sizeof(*header) + size);

    if (header == NULL)
        return NULL;
    header->magic = htole32(REDO_RECORD_MAGIC);
    header->type = htole16((uint16_t)type);
    header->length = htole64(sizeof(*header) + size);
    return header + 1;
}

static void put_words(void *body, const uint64_t *words, size_t count)
{
    uint64_t *to = body;

    for (size_t i = 0; i < count; i++)
        to[i] = htole64(words[i]);
}

void record_object(struct records *records, const struct redo_object *object)
{
    struct redo_object *body = add_record(records, REDO_OBJECT, sizeof(*body));

    if (body == NULL)
        return;
    put_words(body, (const uint64_t *)object,
              offsetof(struct redo_object, handle) / sizeof(uint64_t));
    memcpy(body->handle, object->handle, sizeof(body->handle));
}

void record_write(struct records *records, const struct record_state *state, uint64_t page,
                  uint64_t pages, uint64_t block, const uint64_t *checksums)
{
    const uint64_t words[] = { state->object, state->size, (uint64_t)state->mtime,
                               page,          pages,       block };
    size_t sums = checksums != NULL ? pages : 0;
    uint64_t *body = add_record(records, REDO_WRITE, sizeof(words) + sums * sizeof(*checksums));

    if (body == NULL)
        return;
    put_words(body, words, sizeof(words) / sizeof(words[0]));
    put_words(body + sizeof(words) / sizeof(words[0]), checksums, sums);
}

void record_size(struct records *records, const struct record_state *state, uint64_t limit)
{
    const uint64_t words[] = { state->object, state->size, (uint64_t)state->mtime, limit };
    void *body = add_record(records, REDO_SIZE, sizeof(words));

    if (body != NULL)
        put_words(body, words, sizeof(words) / sizeof(words[0]));
}

void record_hole(struct records *records, const struct record_state *state, uint64_t page,
                 uint64_t pages)
{
    const uint64_t words[] = { state->object, state->size, (uint64_t)state->mtime, page, pages };
    void *body = add_record(records, REDO_HOLE, sizeof(words));

    if (body != NULL)
        put_words(body, words, sizeof(words) / sizeof(words[0]));
}

void record_commit(struct records *records, uint64_t synced, uint64_t count)
{
    size_t objects = count * sizeof(struct redo_committed);
    struct redo_commit *body = add_record(records, REDO_COMMIT, sizeof(*body) + objects);

    if (body == NULL)
        return;
    put_words(body, (const uint64_t[]){ synced, count }, 2);
    records->size -= objects; // record_committed() adds them
}

void record_committed(struct records *records, const struct record_state *state)
{
    const uint64_t words[] = { state->object, state->size, (uint64_t)state->mtime };
    void *body = add_bytes(records, sizeof(words));

    if (body != NULL)
        put_words(body, words, sizeof(words) / sizeof(words[0]));
}

void record_one(struct records *records, enum redo_type type, uint64_t value)
{
    void *body = add_record(records, type, sizeof(value));

    if (body != NULL)
        put_words(body, &value, 1);
}

static uint64_t checksum_of(const struct redo_header *header, size_t length)
{
    struct redo_header blank = *header;

    blank.checksum = 0;
    return XXH3_64bits_withSeed(header + 1, length - sizeof(*header),
                                XXH3_64bits(&blank, sizeof(blank)));
}

uint64_t records_seal(struct records *records, uint64_t generation, uint64_t sequence)
{
    uint64_t count = 0;

    for (size_t at = 0; at < records->size; count++) {
        struct redo_header *header = (struct redo_header *)(void *)(records->bytes + at);
        size_t length = le64toh(header->length);

        header->sequence = htole64(sequence + count);
        header->generation = htole64(generation);
        header->checksum = htole64(checksum_of(header, length));
        at += length;
    }
    return count;
}

bool record_is_whole(const struct redo_header *header, size_t room, uint64_t generation,
                     uint64_t sequence)
{
    uint64_t length = le64toh(header->length);

    if (le32toh(header->magic) != REDO_RECORD_MAGIC || length < sizeof(*header) || length > room ||
        length % sizeof(uint64_t) != 0 || le64toh(header->generation) != generation ||
        le64toh(header->sequence) != sequence)
        return false;
    return le64toh(header->checksum) == checksum_of(header, length);
}
