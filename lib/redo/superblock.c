// SPDX-License-Identifier: BSD-2-Clause
#include "lib/redo/superblock.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <xxhash.h>

#include "lib/redo/disk.h"

static uint64_t checksum(const struct redo_superblock *raw)
{
    return XXH3_64bits(raw, offsetof(struct redo_superblock, checksum));
}

int superblock_write(int fd, const struct superblock *superblock)
{
    struct redo_superblock raw = {
        .version = htole32(REDO_VERSION),
        .size = htole64(superblock->size),
        .generation = htole64(superblock->generation),
        .half = htole64(superblock->half),
    };

    memcpy(raw.magic, REDO_SUPERBLOCK_MAGIC, sizeof(raw.magic));
    memcpy(raw.session, superblock->session, sizeof(raw.session));
    raw.checksum = htole64(checksum(&raw));
    return disk_write(fd, &raw, sizeof(raw), REDO_SUPERBLOCK_AT(superblock->generation % 2));
}

static bool is_whole(const struct redo_superblock *raw)
{
    return memcmp(raw->magic, REDO_SUPERBLOCK_MAGIC, sizeof(raw->magic)) == 0 &&
           le64toh(raw->checksum) == checksum(raw) && le64toh(raw->half) < 2;
}

int superblock_read(int fd, struct superblock *superblock)
{
    struct redo_superblock raw[2];
    const struct redo_superblock *best = NULL;

    for (unsigned i = 0; i < 2; i++) {
        int error = disk_read(fd, &raw[i], sizeof(raw[i]), REDO_SUPERBLOCK_AT(i));

        if (error)
            return error;
        if (is_whole(&raw[i]) &&
            (best == NULL || le64toh(raw[i].generation) > le64toh(best->generation)))
            best = &raw[i];
    }
    if (best == NULL)
        return -ENODATA;
    *superblock = (struct superblock){
        .version = le32toh(best->version),
        .size = le64toh(best->size),
        .generation = le64toh(best->generation),
        .half = (unsigned)le64toh(best->half),
    };
    memcpy(superblock->session, best->session, sizeof(best->session));
    return superblock->version == REDO_VERSION && best->features == 0 ? 0 : -EPROTONOSUPPORT;
}
