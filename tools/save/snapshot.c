// SPDX-License-Identifier: BSD-2-Clause
#include "tools/save/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/extent.h"

enum { READINGS_MAX = 10, BLOCK_BYTES = 1 << 17 };

struct reading {
    int file, copy;
    off_t size; // of the file when it began
    bool changed;
    char *blocks[2]; // of BLOCK_BYTES: the file's, and the copy's
};

static int write_all(int fd, const char *data, size_t length, off_t at)
{
    while (length > 0) {
        ssize_t written = pwrite(fd, data, length, at);

        if (written < 0)
            return -errno;
        data += written;
        at += written;
        length -= (size_t)written;
    }
    return 0;
}

/* Brings what the file has at a place to the copy, if that has something else. Returns how much was
 * read, or a negative errno. */
static ssize_t bring_block(struct reading *reading, off_t at, size_t length)
{
    ssize_t got = pread(reading->file, reading->blocks[0], length, at);
    ssize_t had = got > 0 ? pread(reading->copy, reading->blocks[1], (size_t)got, at) : 0;
    int error;

    if (got < 0 || had < 0)
        return -errno;
    if (got == had && memcmp(reading->blocks[0], reading->blocks[1], (size_t)got) == 0)
        return got;
    reading->changed = true;
    error = write_all(reading->copy, reading->blocks[0], (size_t)got, at);
    return error ? error : got;
}

/* Goes through all that is data in the file or in the copy. */
static int bring_all(struct reading *reading, struct interruption *interruption)
{
    off_t at = 0, end;
    ssize_t got;

    while (at < reading->size) {
        off_t data = extent_next_data(reading->file, at, reading->size);
        off_t copied = extent_next_data(reading->copy, at, reading->size);

        if (interruption_came(interruption))
            return -EINTR;
        at = data < copied ? data : copied;
        if (at >= reading->size)
            return 0;
        end = extent_end(data < copied ? reading->file : reading->copy, at, reading->size);
        got = bring_block(reading, at, end - at < BLOCK_BYTES ? (size_t)(end - at) : BLOCK_BYTES);
        if (got <= 0)
            return (int)got; // it has become shorter
        at += got;
    }
    return 0;
}

/* Gives the copy the file's size. */
static int bring_size(struct reading *reading)
{
    struct stat file, copy;

    if (fstat(reading->file, &file) != 0 || fstat(reading->copy, &copy) != 0)
        return -errno;
    reading->size = file.st_size;
    if (copy.st_size == file.st_size)
        return 0;
    reading->changed = true;
    return ftruncate(reading->copy, file.st_size) == 0 ? 0 : -errno;
}

static int read_once(struct reading *reading, struct interruption *interruption)
{
    off_t size;
    int error = bring_size(reading);

    size = reading->size;
    if (!error)
        error = bring_all(reading, interruption);
    if (!error)
        error = bring_size(reading);
    reading->changed |= size != reading->size;
    return error;
}

static int read_until_same(struct reading *reading, struct interruption *interruption,
                           struct snapshot *snapshot)
{
    int error = 0;

    *snapshot = (struct snapshot){ 0 };
    // The first reading has nothing to compare with.
    while (!error && !snapshot->exact && snapshot->readings < READINGS_MAX) {
        reading->changed = false;
        error = read_once(reading, interruption);
        snapshot->exact = snapshot->readings > 0 && !reading->changed;
        snapshot->readings++;
    }
    snapshot->size = (uint64_t)reading->size;
    return error;
}

int snapshot_take(int file, int copy, struct interruption *interruption, struct snapshot *snapshot)
{
    CLEANUP_FREE char *of_file = malloc(BLOCK_BYTES);
    CLEANUP_FREE char *of_copy = malloc(BLOCK_BYTES);
    struct reading reading = { .file = file, .copy = copy, .blocks = { of_file, of_copy } };

    if (!of_file || !of_copy)
        return -ENOMEM;
    return read_until_same(&reading, interruption, snapshot);
}
