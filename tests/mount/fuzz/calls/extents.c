// SPDX-License-Identifier: BSD-2-Clause
// Calls that are about sizes, holes and positions.
#include "tests/mount/fuzz/kinds.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void says_fd(struct fuzz_client *client, const struct fuzz_op *op, const char *call)
{
    fuzz_says(client, "%s(slot %u", call, fuzz_slot(client, op, 0));
}

void call_truncate(struct fuzz_client *client, const struct fuzz_op *op)
{
    struct stat attr;

    if (fuzz_limited(&client->place, LIMIT_TRUNCATE_IN_VAIN) &&
        stat(fuzz_name(op->name[0]), &attr) == 0 && attr.st_size == op->offset)
        return;
    fuzz_says(client, "truncate(\"%s\", %u)", fuzz_name(op->name[0]), op->offset);
    fuzz_gives(client, truncate(fuzz_name(op->name[0]), op->offset));
}

void call_ftruncate(struct fuzz_client *client, const struct fuzz_op *op)
{
    says_fd(client, op, "ftruncate");
    fuzz_says(client, ", %u)", op->offset);
    fuzz_gives(client, ftruncate(fuzz_fd(client, op, 0), op->offset));
}

void call_fallocate(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int modes[] = {
        0,
        0,
        FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_PUNCH_HOLE,
        FALLOC_FL_ZERO_RANGE,
        FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
        FALLOC_FL_COLLAPSE_RANGE,
        FALLOC_FL_INSERT_RANGE,
        FALLOC_FL_UNSHARE_RANGE,
    };
    int mode = FUZZ_CHOOSE(modes, op->choice[0]);

    if ((mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)) !=
            0 &&
        fuzz_limited(&client->place, LIMIT_COLLAPSE_RANGE))
        mode = 0;
    if ((mode & FALLOC_FL_ZERO_RANGE) != 0 && fuzz_limited(&client->place, LIMIT_ZERO_RANGE))
        mode = 0;
    if ((mode & FALLOC_FL_PUNCH_HOLE) == 0 && !client->place.reserves)
        mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    says_fd(client, op, "fallocate");
    fuzz_says(client, ", %#x, %u, %u)", (unsigned)mode, op->offset, op->length);
    fuzz_gives(client, fallocate(fuzz_fd(client, op, 0), mode, op->offset, op->length));
}

/* Positions in a directory are whatever its filesystem likes. */
static bool is_directory(int fd)
{
    struct stat attr;

    return fstat(fd, &attr) == 0 && S_ISDIR(attr.st_mode);
}

void call_lseek(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int whences[] = { SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END };
    int fd = fuzz_fd(client, op, 0), whence = FUZZ_CHOOSE(whences, op->choice[0]);
    off_t offset = op->offset;

    if (whence != SEEK_SET && op->choice[1] % 2 == 0)
        offset = -offset;
    says_fd(client, op, "lseek");
    fuzz_says(client, ", %lld, %d)", (long long)offset, whence);
    if (!is_directory(fd))
        fuzz_gives(client, lseek(fd, offset, whence));
}

void call_seek_hole(struct fuzz_client *client, const struct fuzz_op *op)
{
    int fd = fuzz_fd(client, op, 0), whence = op->choice[0] % 2 == 0 ? SEEK_HOLE : SEEK_DATA;
    off_t before;

    says_fd(client, op, "lseek");
    fuzz_says(client, ", %u, %s)", op->offset, whence == SEEK_HOLE ? "SEEK_HOLE" : "SEEK_DATA");
    if (is_directory(fd) || (before = lseek(fd, 0, SEEK_CUR)) == -1)
        return;
    off_t found = lseek(fd, op->offset, whence);
    if (!fuzz_limited(&client->place, LIMIT_HOLES) &&
        !fuzz_limited(&client->place, LIMIT_HOLES_OF_RESERVED))
        fuzz_gives(client, found);
    lseek(fd, before, SEEK_SET);
}

void call_fsync(struct fuzz_client *client, const struct fuzz_op *op)
{
    says_fd(client, op, "fsync");
    fuzz_says(client, ")");
    fuzz_gives(client, fsync(fuzz_fd(client, op, 0)));
}

void call_fdatasync(struct fuzz_client *client, const struct fuzz_op *op)
{
    says_fd(client, op, "fdatasync");
    fuzz_says(client, ")");
    fuzz_gives(client, fdatasync(fuzz_fd(client, op, 0)));
}
