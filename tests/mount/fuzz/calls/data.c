// SPDX-License-Identifier: BSD-2-Clause
// Calls that read and write.
#include "tests/mount/fuzz/kinds.h"

#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { LONGEST = 1 << 16 };

static void gives_bytes(struct fuzz_client *client, const void *bytes, ssize_t count)
{
    fuzz_gives(client, count);
    if (count > 0)
        fuzz_tells_bytes(client, bytes, (size_t)count);
}

static size_t length_to_read(const struct fuzz_client *client, const struct fuzz_op *op)
{
    return op->length == 0 && fuzz_limited(&client->place, LIMIT_EMPTY_READS) ? 1 : op->length;
}

static void says_what(struct fuzz_client *client, const struct fuzz_op *op, const char *call)
{
    fuzz_says(client, "%s(slot %u, %u bytes", call, fuzz_slot(client, op, 0), op->length);
}

void call_read(struct fuzz_client *client, const struct fuzz_op *op)
{
    char bytes[LONGEST];

    says_what(client, op, "read");
    fuzz_says(client, ")");
    gives_bytes(client, bytes, read(fuzz_fd(client, op, 0), bytes, length_to_read(client, op)));
}

void call_write(struct fuzz_client *client, const struct fuzz_op *op)
{
    char bytes[LONGEST];

    memset(bytes, op->fill, op->length);
    says_what(client, op, "write");
    fuzz_says(client, " of %02x)", op->fill);
    fuzz_gives(client, write(fuzz_fd(client, op, 0), bytes, op->length));
}

void call_pread(struct fuzz_client *client, const struct fuzz_op *op)
{
    char bytes[LONGEST];

    says_what(client, op, "pread");
    fuzz_says(client, ", at %u)", op->offset);
    gives_bytes(client, bytes,
                pread(fuzz_fd(client, op, 0), bytes, length_to_read(client, op), op->offset));
}

void call_pwrite(struct fuzz_client *client, const struct fuzz_op *op)
{
    char bytes[LONGEST];

    memset(bytes, op->fill, op->length);
    says_what(client, op, "pwrite");
    fuzz_says(client, " of %02x, at %u)", op->fill, op->offset);
    fuzz_gives(client, pwrite(fuzz_fd(client, op, 0), bytes, op->length, op->offset));
}

/* Two parts of the buffer, the first of which has 100 bytes at most. */
static int in_parts(struct iovec parts[2], void *bytes, size_t length)
{
    size_t first = length < 100 ? length : 100;

    parts[0] = (struct iovec){ bytes, first };
    parts[1] = (struct iovec){ (char *)bytes + first, length - first };
    return 2;
}

void call_readv(struct fuzz_client *client, const struct fuzz_op *op)
{
    char bytes[LONGEST];
    struct iovec parts[2];
    int count = in_parts(parts, bytes, length_to_read(client, op));

    says_what(client, op, "readv");
    fuzz_says(client, ")");
    gives_bytes(client, bytes, readv(fuzz_fd(client, op, 0), parts, count));
}

void call_writev(struct fuzz_client *client, const struct fuzz_op *op)
{
    char bytes[LONGEST];
    struct iovec parts[2];
    int count = in_parts(parts, bytes, op->length);

    memset(bytes, op->fill, op->length);
    says_what(client, op, "writev");
    fuzz_says(client, " of %02x)", op->fill);
    fuzz_gives(client, writev(fuzz_fd(client, op, 0), parts, count));
}

void call_append(struct fuzz_client *client, const struct fuzz_op *op)
{
    char bytes[LONGEST];
    struct iovec parts[2];
    int count = in_parts(parts, bytes, op->length);

    memset(bytes, op->fill, op->length);
    says_what(client, op, "pwritev2");
    fuzz_says(client, " of %02x, RWF_APPEND)", op->fill);
    fuzz_gives(client, pwritev2(fuzz_fd(client, op, 0), parts, count, op->offset, RWF_APPEND));
}

void call_copy_file_range(struct fuzz_client *client, const struct fuzz_op *op)
{
    off_t from = op->offset, to = op->choice[0] % 20000;

    char byte;

    // A read that tells the kernel of the access time makes the copy's one of no account.
    if (fuzz_limited(&client->place, LIMIT_COPY_ATIME) &&
        ((fcntl(fuzz_fd(client, op, 0), F_GETFL) & O_NOATIME) != 0 ||
         pread(fuzz_fd(client, op, 0), &byte, 1, 0) == -1))
        return;
    fuzz_says(client, "copy_file_range(slot %u at %lld, slot %u at %lld, %u bytes)",
              fuzz_slot(client, op, 0), (long long)from, fuzz_slot(client, op, 1), (long long)to,
              op->length);
    fuzz_gives(client, copy_file_range(fuzz_fd(client, op, 0), &from, fuzz_fd(client, op, 1), &to,
                                       op->length, 0));
}

void call_sendfile(struct fuzz_client *client, const struct fuzz_op *op)
{
    off_t from = op->offset;
    struct stat in, out;

    // The data that is sent is not copied but referred to: it changes with the file when it is sent
    // to the same file, or stays in a FIFO.
    if (fstat(fuzz_fd(client, op, 0), &in) == 0 && fstat(fuzz_fd(client, op, 1), &out) == 0 &&
        (in.st_ino == out.st_ino || S_ISFIFO(out.st_mode)))
        return;
    fuzz_says(client, "sendfile(slot %u, from slot %u at %lld, %u bytes)", fuzz_slot(client, op, 1),
              fuzz_slot(client, op, 0), (long long)from, op->length);
    fuzz_gives(client, sendfile(fuzz_fd(client, op, 1), fuzz_fd(client, op, 0), &from,
                                length_to_read(client, op)));
}
