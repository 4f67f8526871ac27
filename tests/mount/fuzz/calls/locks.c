// SPDX-License-Identifier: BSD-2-Clause
// Locks, none of which waits.
#include "tests/mount/fuzz/kinds.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

void call_flock(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int kinds[] = { LOCK_SH, LOCK_EX, LOCK_EX, LOCK_UN };
    int kind = FUZZ_CHOOSE(kinds, op->choice[0]);

    fuzz_says(client, "flock(slot %u, %d)", fuzz_slot(client, op, 0), kind);
    fuzz_gives(client, flock(fuzz_fd(client, op, 0), kind | LOCK_NB));
}

static struct flock lock_of(const struct fuzz_op *op)
{
    static const short kinds[] = { F_RDLCK, F_WRLCK, F_WRLCK, F_UNLCK };

    return (struct flock){
        .l_type = FUZZ_CHOOSE(kinds, op->choice[0]),
        .l_whence = SEEK_SET,
        .l_start = op->offset,
        .l_len = op->length,
    };
}

static void set_lock(struct fuzz_client *client, const struct fuzz_op *op, const char *name,
                     int command)
{
    struct flock lock = lock_of(op);

    fuzz_says(client, "fcntl(slot %u, %s, %d, %u, %u)", fuzz_slot(client, op, 0), name, lock.l_type,
              op->offset, op->length);
    fuzz_gives(client, fcntl(fuzz_fd(client, op, 0), command, &lock));
}

void call_setlk(struct fuzz_client *client, const struct fuzz_op *op)
{
    set_lock(client, op, "F_SETLK", F_SETLK);
}

void call_ofd_setlk(struct fuzz_client *client, const struct fuzz_op *op)
{
    set_lock(client, op, "F_OFD_SETLK", F_OFD_SETLK);
}

void call_getlk(struct fuzz_client *client, const struct fuzz_op *op)
{
    struct flock lock = lock_of(op);

    if (lock.l_type == F_UNLCK)
        lock.l_type = F_RDLCK;
    fuzz_says(client, "fcntl(slot %u, F_GETLK, %d, %u, %u)", fuzz_slot(client, op, 0), lock.l_type,
              op->offset, op->length);
    int result = fcntl(fuzz_fd(client, op, 0), F_GETLK, &lock);
    fuzz_gives(client, result);
    if (result == 0 && lock.l_type != F_UNLCK)
        fuzz_tells(client, "type %d, %lld, %lld", lock.l_type, (long long)lock.l_start,
                   (long long)lock.l_len);
}
