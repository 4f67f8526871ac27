// SPDX-License-Identifier: BSD-2-Clause
// Calls that make and end descriptors.
#include "tests/mount/fuzz/kinds.h"
#include "tests/mount/fuzz/listing.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* No open waits for the other end of a FIFO. */
enum { ALWAYS = O_NONBLOCK | O_CLOEXEC | O_NOCTTY };

static mode_t mode_of(const struct fuzz_op *op)
{
    static const mode_t modes[] = { 0666, 0666, 0644, 0600, 0777, 0440, 04755, 02775, 0 };

    return FUZZ_CHOOSE(modes, op->choice[1]);
}

void call_open(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int flags[] = {
        O_RDONLY,
        O_WRONLY,
        O_RDWR,
        O_RDWR,
        O_RDWR | O_CREAT,
        O_RDWR | O_CREAT,
        O_RDWR | O_CREAT,
        O_RDWR | O_CREAT | O_EXCL,
        O_RDWR | O_CREAT | O_TRUNC,
        O_WRONLY | O_CREAT | O_APPEND,
        O_RDWR | O_APPEND,
        O_RDONLY | O_CREAT | O_NOFOLLOW,
        O_RDONLY | O_DIRECTORY,
        O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
        O_PATH,
        O_PATH | O_NOFOLLOW,
        O_RDWR | O_SYNC,
        O_RDWR | O_CREAT | O_DSYNC,
        O_RDONLY | O_NOATIME,
        O_RDONLY | O_TRUNC,
        O_RDWR | O_TRUNC,
        O_RDONLY | O_CREAT | O_DIRECTORY,
        O_WRONLY | O_CREAT,
    };
    int flag = FUZZ_CHOOSE(flags, op->choice[0]);

    fuzz_says(client, "open(\"%s\", %#o, %#o)", fuzz_name(op->name[0]), (unsigned)flag,
              mode_of(op));
    fuzz_gives_fd(client, op, open(fuzz_name(op->name[0]), flag | ALWAYS, mode_of(op)));
}

void call_creat(struct fuzz_client *client, const struct fuzz_op *op)
{
    // creat(2) with O_NONBLOCK, which a FIFO needs.
    fuzz_says(client, "creat(\"%s\", %#o)", fuzz_name(op->name[0]), mode_of(op));
    fuzz_gives_fd(client, op,
                  open(fuzz_name(op->name[0]), O_WRONLY | O_CREAT | O_TRUNC | ALWAYS, mode_of(op)));
}

void call_tmpfile(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int flags[] = { O_RDWR, O_RDWR, O_WRONLY, O_RDWR | O_EXCL, O_RDONLY };
    static const char *const names[] = { ".", "d0", "d1", "d0/d2", "f0" };
    int flag = O_TMPFILE | FUZZ_CHOOSE(flags, op->choice[0]);
    const char *name = FUZZ_CHOOSE(names, op->choice[2]);

    fuzz_says(client, "open(\"%s\", %#o, %#o)", name, (unsigned)flag, mode_of(op));
    fuzz_gives_fd(client, op, open(name, flag | ALWAYS, mode_of(op)));
}

/* A path of a descriptor, by which it can be opened and linked once more. */
static const char *path_of(char *path, size_t size, int fd)
{
    snprintf(path, size, "/proc/self/fd/%d", fd);
    return path;
}

void call_name_tmpfile(struct fuzz_client *client, const struct fuzz_op *op)
{
    int fd = fuzz_fd(client, op, 1);
    char path[64];

    fuzz_says(client, "linkat(/proc/self/fd of slot %u, \"%s\", AT_SYMLINK_FOLLOW)",
              fuzz_slot(client, op, 1), fuzz_name(op->name[0]));
    fuzz_gives(client, linkat(AT_FDCWD, path_of(path, sizeof(path), fd), AT_FDCWD,
                              fuzz_name(op->name[0]), AT_SYMLINK_FOLLOW));
}

void call_dup(struct fuzz_client *client, const struct fuzz_op *op)
{
    fuzz_says(client, "dup(slot %u)", fuzz_slot(client, op, 1));
    fuzz_gives_fd(client, op, fcntl(fuzz_fd(client, op, 1), F_DUPFD_CLOEXEC, 0));
}

void call_close(struct fuzz_client *client, const struct fuzz_op *op)
{
    unsigned slot = fuzz_slot(client, op, 0);

    fuzz_says(client, "close(slot %u)", slot);
    fuzz_gives(client, fuzz_close(client, slot));
}

void call_reopen(struct fuzz_client *client, const struct fuzz_op *op)
{
    static const int flags[] = { O_RDONLY, O_RDWR, O_WRONLY | O_APPEND, O_RDWR | O_TRUNC, O_PATH };
    int fd = fuzz_fd(client, op, 1), flag = FUZZ_CHOOSE(flags, op->choice[0]);
    char path[64];

    fuzz_says(client, "open(/proc/self/fd of slot %u, %#o)", fuzz_slot(client, op, 1),
              (unsigned)flag);
    fuzz_gives_fd(client, op, open(path_of(path, sizeof(path), fd), flag | ALWAYS));
}

void call_setfl(struct fuzz_client *client, const struct fuzz_op *op)
{
    int fd = fuzz_fd(client, op, 0), wanted = O_NONBLOCK;

    if (fuzz_limited(&client->place, LIMIT_SETFL))
        wanted |= fcntl(fd, F_GETFL) & (O_APPEND | O_NOATIME);
    else if (op->choice[0] % 2 == 0)
        wanted |= O_APPEND;
    fuzz_says(client, "fcntl(slot %u, F_SETFL, %#o)", fuzz_slot(client, op, 0), (unsigned)wanted);
    fuzz_gives(client, fcntl(fd, F_SETFL, wanted));
    fuzz_tells(client, "flags %#o", (unsigned)fcntl(fd, F_GETFL));
}

void call_list_fd(struct fuzz_client *client, const struct fuzz_op *op)
{
    char names[900] = "";
    int fd = fuzz_fd(client, op, 0);

    fuzz_says(client, "readdir(slot %u)", fuzz_slot(client, op, 0));
    fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fuzz_gives(client, list_directory(fd == -1 ? NULL : fdopendir(fd), names, sizeof(names)));
    fuzz_tells(client, "%s", names);
}
