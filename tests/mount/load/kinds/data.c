// SPDX-License-Identifier: BSD-2-Clause
/*
 * Contents: each byte of each file follows from the file and the offset, so that any part of it can
 * be held to what it must be, at any time and by any way of reading.
 */
#include "tests/mount/load/load_kinds.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 4, MOST_BYTES = 512 << 10, MOST_AT_ONCE = 96 << 10 };

struct stock {
    struct {
        unsigned life; // of the bytes: another one each time that the file is made
        size_t size;
    } files[FILES];
    unsigned char bytes[MOST_AT_ONCE], wanted[MOST_AT_ONCE];
};

static void make_expected_bytes(const struct load_process *process, int file, size_t offset,
                                unsigned char *bytes, size_t count)
{
    const struct stock *stock = process->own;
    unsigned life = stock->files[file].life * 7919 + process->member * 104729 + (unsigned)file;

    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(((offset + i) * 2654435761U + life) >> 11);
}

static void begin_data(struct load_process *process)
{
    process->own = calloc(1, sizeof(struct stock));
    if (process->own == NULL)
        _exit(EXIT_FAILURE);
}

static const char *path_of(const struct load_process *process, int file, char path[32])
{
    snprintf(path, 32, "m%u-f%d", process->member, file);
    return path;
}

static int open_data(struct load_process *process, int file, int flags)
{
    char path[32];

    path_of(process, file, path);
    return (int)CALL(process, path, open(path, flags | O_CREAT | O_CLOEXEC, 0644));
}

static void store_mapped(struct load_process *process, int fd, size_t offset, size_t count)
{
    const struct stock *stock = process->own;
    size_t start = offset & ~(size_t)4095;
    size_t length = offset - start + count;
    unsigned char *address;

    CALL(process, "data", ftruncate(fd, (off_t)(offset + count)));
    if (CALL(process, "data",
             address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)start)) ==
        -1)
        return;
    for (size_t i = 0; i < count; i++)
        address[offset - start + i] = stock->wanted[i];
    if (load_random(process, 2) == 0)
        CALL(process, "data", msync(address, length, MS_SYNC));
    CALL(process, "data", munmap(address, length));
}

/* Makes the file longer, by one way or another. */
static void extend(struct load_process *process, int file)
{
    struct stock *stock = process->own;
    size_t offset = stock->files[file].size, count = 1 + load_random(process, MOST_AT_ONCE);
    unsigned way = load_random(process, 4);
    int fd = open_data(process, file, way == 1 ? O_RDWR | O_APPEND : O_RDWR);

    make_expected_bytes(process, file, offset, stock->wanted, count);
    struct iovec parts[2] = { { stock->wanted, count / 2 },
                              { stock->wanted + count / 2, count - count / 2 } };
    switch (way) {
    case 0:
        CALL_GIVES(process, "data", (long)count, pwrite(fd, stock->wanted, count, (off_t)offset));
        break;
    case 1:
        CALL_GIVES(process, "data", (long)count, write(fd, stock->wanted, count));
        break;
    case 2:
        CALL_GIVES(process, "data", (long)count, pwritev(fd, parts, 2, (off_t)offset));
        break;
    default:
        store_mapped(process, fd, offset, count);
        break;
    }
    stock->files[file].size = offset + count;
    if (load_random(process, 8) == 0)
        CALL(process, "data", fsync(fd));
    CALL(process, "data", close(fd));
}

static void compare_mapped(struct load_process *process, int fd, size_t offset, size_t count)
{
    const struct stock *stock = process->own;
    size_t start = offset & ~(size_t)4095;
    size_t length = offset - start + count;
    unsigned char *address;

    if (CALL(process, "data",
             address = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, (off_t)start)) == -1)
        return;
    load_same_bytes(process, "mapped bytes", "data", address + (offset - start), stock->wanted,
                    count);
    CALL(process, "data", munmap(address, length));
}

static void compare_range(struct load_process *process, int file, int fd, size_t offset,
                          size_t count)
{
    struct stock *stock = process->own;

    if (count == 0)
        return;
    make_expected_bytes(process, file, offset, stock->wanted, count);
    if (load_random(process, 3) == 0) {
        compare_mapped(process, fd, offset, count);
        return;
    }
    CALL_GIVES(process, "data", (long)count, pread(fd, stock->bytes, count, (off_t)offset));
    load_same_bytes(process, "bytes", "data", stock->bytes, stock->wanted, count);
}

static void compare_some(struct load_process *process, int file)
{
    const struct stock *stock = process->own;
    size_t size = stock->files[file].size;
    int fd = open_data(process, file, O_RDONLY);
    size_t offset = load_random(process, (unsigned)size + 1);
    size_t rest = size - offset;

    compare_range(process, file, fd, offset, rest < MOST_AT_ONCE ? rest : MOST_AT_ONCE);
    CALL(process, "data", close(fd));
}

static void compare_all(struct load_process *process, int file)
{
    const struct stock *stock = process->own;
    size_t size = stock->files[file].size;
    int fd = open_data(process, file, O_RDONLY);
    struct stat attr = { 0 };

    CALL(process, "data", fstat(fd, &attr));
    load_same(process, "size", "data", attr.st_size, (int64_t)size);
    for (size_t offset = 0; offset < size; offset += MOST_AT_ONCE)
        compare_range(process, file, fd, offset,
                      size - offset < MOST_AT_ONCE ? size - offset : MOST_AT_ONCE);
    CALL(process, "data", close(fd));
}

static void remove_data(struct load_process *process, int file)
{
    struct stock *stock = process->own;
    char path[32];

    CALL(process, path_of(process, file, path), unlink(path));
    stock->files[file].life++;
    stock->files[file].size = 0;
}

static void shorten(struct load_process *process, int file)
{
    struct stock *stock = process->own;
    size_t size = load_random(process, (unsigned)stock->files[file].size + 1);
    char path[32];

    path_of(process, file, path);
    CALL(process, path, truncate(path, (off_t)size));
    stock->files[file].size = size;
}

static void work_on_data(struct load_process *process)
{
    const struct stock *stock = process->own;
    int file = (int)load_random(process, FILES);

    if (stock->files[file].size > MOST_BYTES) {
        compare_all(process, file);
        if (load_random(process, 2) == 0)
            remove_data(process, file);
        else
            shorten(process, file);
        return;
    }
    extend(process, file);
    compare_some(process, file);
}

static void end_data(struct load_process *process)
{
    for (int i = 0; i < FILES; i++) {
        compare_all(process, i);
        remove_data(process, i);
    }
}

const struct load_kind load_data = {
    .name = "data",
    .processes = 2,
    .begin = begin_data,
    .round = work_on_data,
    .rest = end_data,
};
