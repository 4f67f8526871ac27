// SPDX-License-Identifier: BSD-2-Clause
#include "lib/journal/damage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "lib/journal/find.h"
#include "lib/redo/disk.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/escape.h"

#define PATH_ROOM 4096

/* Returns whether a path leads to what a descriptor stands for: one that was opened by handle may
 * have no path. */
static bool leads_to(const char *path, int fd)
{
    struct stat there;
    struct stat here;

    return path[0] == '/' && lstat(path, &there) == 0 && fstat(fd, &here) == 0 &&
           there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/* Writes the path of an object as it is now, or its inode number. */
static void name_of(struct journal_object *object, char *name, size_t size)
{
    char path[PATH_ROOM] = "";
    struct object_path link;
    CLEANUP_FD int fd = find_path(object);

    if (fd >= 0 && readlink(object_path_of(fd, &link), path, sizeof(path) - 1) > 0 &&
        leads_to(path, fd))
        escape_text(path, true, name, size);
    else
        snprintf(name, size, "the file with inode number %llu", (unsigned long long)object->inode);
}

void damage_tell(const struct journal_listener *listener, struct journal_object *object,
                 const char *what)
{
    char name[PATH_ROOM];
    char line[PATH_ROOM + 256];

    if (listener == NULL || listener->tell == NULL)
        return;
    name_of(object, name, sizeof(name));
    snprintf(line, sizeof(line), "%s: %s", name, what);
    listener->tell(listener->context, line);
}

int damage_checksum(struct journal *journal, uint64_t block, uint64_t *checksum)
{
    char page[REDO_PAGE];
    int error = room_read(journal, block, 1, page);

    if (!error)
        *checksum = XXH3_64bits(page, sizeof(page));
    return error;
}

/* Returns whether the data of an extent is what its records say. */
static bool is_whole_extent(struct journal *journal, const struct extent *extent)
{
    uint64_t checksum;

    if (extent->block == EXTENT_HOLE)
        return true;
    if (extent->block & REDO_SPILLED)
        return false;
    for (uint64_t i = 0; i < extent->pages; i++)
        if (damage_checksum(journal, extent->block + i, &checksum) != 0 ||
            checksum != journal->pools[POOL_JOURNAL].checksum[extent->block + i])
            return false;
    return true;
}

static bool is_whole_object(const struct journal_object *object)
{
    const struct extent_map *map = &object->layers[LAYER_UNCOMMITTED].map;

    for (struct extent *extent = extent_map_find(map, 0); extent != NULL;
         extent = extent_map_next(extent))
        if (!is_whole_extent(object->journal, extent))
            return false;
    return true;
}

int damage_check_commit(struct journal *journal, const struct journal_listener *listener,
                        struct journal_report *report, const struct redo_commit *commit, bool last)
{
    for (uint64_t i = 0; i < commit->count; i++) {
        struct journal_object *object = object_by_number(journal, commit->objects[i].object);

        if (object->damaged || is_whole_object(object))
            continue;
        if (last) {
            report->torn++;
            return 1;
        }
        object->damaged = true;
        report->damaged++;
        damage_tell(listener, object,
                    "a commit is damaged in the journal; the file gets the one before it");
    }
    return 0;
}

/* Returns whether a record behind the end says that records were on disk that are not there. */
static bool tells_of_loss(const struct half_reader *reader, const struct redo_header *record,
                          size_t room)
{
    const struct redo_commit *commit = (const void *)(record + 1);
    uint64_t sequence = le64toh(record->sequence);

    return le32toh(record->magic) == REDO_RECORD_MAGIC && sequence > reader->sequence &&
           le16toh(record->type) == REDO_COMMIT &&
           record_is_whole(record, room, reader->generation, sequence) &&
           le64toh(record->length) >= sizeof(*record) + sizeof(*commit) &&
           le64toh(commit->synced) >= reader->sequence;
}

/* Looks through a part that is in memory. Commits are short; so one that is cut off at the end is
 * found in the next part, which overlaps. */
static bool part_tells_of_loss(const struct half_reader *reader, const char *part, size_t size)
{
    for (size_t at = 0; at + sizeof(struct redo_header) <= size; at += sizeof(uint64_t)) {
        const struct redo_header *record = (const void *)(part + at);

        if (tells_of_loss(reader, record, size - at))
            return true;
    }
    return false;
}

#define PART_SIZE    (UINT64_C(1) << 20)
#define PART_OVERLAP (UINT64_C(32) << 10)
static_assert(PART_OVERLAP > sizeof(struct redo_header) + sizeof(struct redo_commit) +
                                 REDO_COMMIT_OBJECTS * sizeof(struct redo_committed),
              "a commit fits");

int damage_find_lost(struct journal_report *report, const struct half_reader *reader)
{
    CLEANUP_FREE char *part = malloc(PART_SIZE);
    uint64_t at = reader->base + reader->at;
    uint64_t end = reader->base + REDO_HALF_SIZE;
    int error = part != NULL ? 0 : -ENOMEM;

    while (!error && !report->broken && at < end) {
        off_t data = lseek(reader->fd, (off_t)at, SEEK_DATA);
        size_t size;

        if (data < 0 || (uint64_t)data >= end)
            break;
        at = (uint64_t)data;
        size = end - at < PART_SIZE ? end - at : PART_SIZE;
        error = disk_read(reader->fd, part, size, at);
        report->broken = !error && part_tells_of_loss(reader, part, size);
        at += size > PART_OVERLAP ? size - PART_OVERLAP : size;
    }
    return error;
}
