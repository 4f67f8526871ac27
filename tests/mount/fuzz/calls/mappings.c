// SPDX-License-Identifier: BSD-2-Clause
// Calls that are about mappings. Loads and stores stay within the file.
#include "tests/mount/fuzz/kinds.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const size_t PAGE = 4096;

static struct fuzz_mapping *mapping_of(struct fuzz_client *client, const struct fuzz_op *op)
{
    unsigned number = op->slot[1] % FUZZ_MAPPINGS;

    for (unsigned i = 0; i < FUZZ_MAPPINGS && client->mappings[number].address == NULL; i++)
        number = (number + 1) % FUZZ_MAPPINGS;
    return &client->mappings[number];
}

static void says_mapping(struct fuzz_client *client, const struct fuzz_mapping *mapping,
                         const char *call)
{
    fuzz_says(client, "%s(mapping %d", call, (int)(mapping - client->mappings));
}

static void unmap(struct fuzz_mapping *mapping)
{
    if (mapping->address == NULL)
        return;
    munmap(mapping->address - PAGE, mapping->length + 2 * PAGE);
    close(mapping->file);
    *mapping = (struct fuzz_mapping){ 0 };
}

/* Maps between two pages of nothing: next to a mapping of the same file, natively the kernel makes
 * one of both, and does not tell the file of the second. */
static char *map(size_t length, int protection, int flags, int fd, size_t offset)
{
    char *room = mmap(NULL, length + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (room == MAP_FAILED)
        return room;
    char *address = mmap(room + PAGE, length, protection, flags | MAP_FIXED, fd, (off_t)offset);
    int error = errno;
    if (address == MAP_FAILED)
        munmap(room, length + 2 * PAGE);
    errno = error;
    return address;
}

void call_mmap(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int protections[] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE };
    int fd = fuzz_fd(client, op, 0), protection = FUZZ_CHOOSE(protections, op->choice[0]);
    int flags = op->choice[1] % 4 == 0 ? MAP_PRIVATE : MAP_SHARED;
    struct fuzz_mapping *mapping = &client->mappings[op->slot[1] % FUZZ_MAPPINGS];
    size_t length = PAGE * (1 + op->choice[2] % 6), offset = op->offset / PAGE % 4 * PAGE;
    char path[64];

    says_mapping(client, mapping, "mmap");
    fuzz_says(client, ", slot %u, %zu bytes at %zu, %s%s)", fuzz_slot(client, op, 0), length,
              offset, (protection & PROT_WRITE) != 0 ? "writable " : "",
              flags == MAP_SHARED ? "shared" : "private");
    char *address = map(length, protection, flags, fd, offset);
    fuzz_gives(client, address == MAP_FAILED ? -1 : 0);
    if (address == MAP_FAILED)
        return;
    unmap(mapping);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    *mapping = (struct fuzz_mapping){
        address, length, offset, protection, flags == MAP_SHARED, open(path, O_PATH | O_CLOEXEC)
    };
}

void call_munmap(struct fuzz_client *client, const struct fuzz_op *op)
{
    struct fuzz_mapping *mapping = mapping_of(client, op);

    says_mapping(client, mapping, "munmap");
    fuzz_says(client, ")");
    unmap(mapping);
}

/* The part of the mapping that the operation is about, as far as the file goes; its length. */
static size_t part_of(const struct fuzz_mapping *mapping, const struct fuzz_op *op, char **part)
{
    size_t begin = op->offset < mapping->length ? op->offset : 0, end = begin + op->length;
    struct stat attr;

    if (mapping->address == NULL || fstat(mapping->file, &attr) == -1)
        return 0;
    if (end > mapping->length)
        end = mapping->length;
    if (mapping->offset + end > (size_t)attr.st_size)
        end = (size_t)attr.st_size < mapping->offset ? 0 : (size_t)attr.st_size - mapping->offset;
    *part = mapping->address + begin;
    return end > begin ? end - begin : 0;
}

void call_load(struct fuzz_client *client, const struct fuzz_op *op)
{
    const struct fuzz_mapping *mapping = mapping_of(client, op);
    char *part = NULL;
    size_t length = part_of(mapping, op, &part);

    says_mapping(client, mapping, "load");
    fuzz_says(client, ", %zu bytes at %u)", length, op->offset);
    fuzz_gives(client, (int64_t)length);
    if (length > 0)
        fuzz_tells_bytes(client, part, length);
}

void call_store(struct fuzz_client *client, const struct fuzz_op *op)
{
    const struct fuzz_mapping *mapping = mapping_of(client, op);
    char *part = NULL;
    size_t length = part_of(mapping, op, &part);

    if ((mapping->protection & PROT_WRITE) == 0 || (mapping->shared && !client->place.stores))
        length = 0;
    says_mapping(client, mapping, "store");
    fuzz_says(client, ", %zu bytes of %02x at %u)", length, op->fill, op->offset);
    fuzz_gives(client, (int64_t)length);
    if (length > 0)
        memset(part, op->fill, length);
}

void call_msync(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int flags[] = { MS_SYNC, MS_SYNC, MS_ASYNC };
    const struct fuzz_mapping *mapping = mapping_of(client, op);

    says_mapping(client, mapping, "msync");
    fuzz_says(client, ")");
    if (mapping->address != NULL)
        fuzz_gives(client,
                   msync(mapping->address, mapping->length, FUZZ_CHOOSE(flags, op->choice[0])));
}
