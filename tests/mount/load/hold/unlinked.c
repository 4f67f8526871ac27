// SPDX-License-Identifier: BSD-2-Clause
/*
 * Files without a name: one process holds a file that was unlinked and one that has not been linked
 * yet, which it links in the end; the other lives in a directory that was removed.
 */
#include "tests/mount/load/load_kinds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { BYTES = 64 << 10, UNLINKED = 0, NAMELESS = 1, FILES = 2 };

struct nameless {
    int fds[FILES];
    ino_t inos[FILES];
    unsigned char bytes[FILES][BYTES];
};

struct removed {
    int fd;
    ino_t ino;
};

static const char *const names[FILES] = { "the unlinked", "the nameless" };

static void begin_files(struct load_process *process)
{
    struct nameless *files = calloc(1, sizeof(*files));
    struct stat attr = { 0 };

    if (files == NULL)
        _exit(EXIT_FAILURE);
    process->own = files;
    files->fds[UNLINKED] =
        (int)CALL(process, "unlinked", open("unlinked", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    files->fds[NAMELESS] =
        (int)CALL(process, "nameless", open(".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0644));
    CALL(process, "unlinked", unlink("unlinked"));
    for (int i = 0; i < FILES; i++) {
        for (int j = 0; j < BYTES; j++)
            files->bytes[i][j] = (unsigned char)load_random(process, 256);
        CALL_GIVES(process, names[i], BYTES, write(files->fds[i], files->bytes[i], BYTES));
        CALL(process, names[i], fstat(files->fds[i], &attr));
        files->inos[i] = attr.st_ino;
    }
}

static void check_file(struct load_process *process, int which, nlink_t links)
{
    const struct nameless *files = process->own;
    unsigned char bytes[BYTES + 1];
    struct stat attr = { 0 };

    CALL(process, names[which], fstat(files->fds[which], &attr));
    load_same(process, "inode", names[which], (int64_t)attr.st_ino, (int64_t)files->inos[which]);
    load_same(process, "links", names[which], (int64_t)attr.st_nlink, (int64_t)links);
    load_same(process, "size", names[which], attr.st_size, BYTES);
    CALL_GIVES(process, names[which], BYTES, pread(files->fds[which], bytes, sizeof(bytes), 0));
    load_same_bytes(process, "bytes", names[which], bytes, files->bytes[which], BYTES);
}

static void change_file(struct load_process *process, int which)
{
    struct nameless *files = process->own;
    size_t offset = load_random(process, BYTES);
    size_t count = load_random(process, BYTES - (unsigned)offset) + 1;
    int fd = files->fds[which];
    char value[16], found[16] = "";

    for (size_t i = 0; i < count; i++)
        files->bytes[which][offset + i] ^= 0x55;
    CALL_GIVES(process, names[which], (long)count,
               pwrite(fd, files->bytes[which] + offset, count, (off_t)offset));
    snprintf(value, sizeof(value), "%u", load_random(process, 1000));
    CALL(process, names[which], fsetxattr(fd, "user.tag", value, strlen(value) + 1, 0));
    CALL(process, names[which], fgetxattr(fd, "user.tag", found, sizeof(found)));
    load_same(process, "tag", names[which], atoi(found), atoi(value));
    CALL(process, names[which], ftruncate(fd, BYTES + 4096));
    CALL(process, names[which], ftruncate(fd, BYTES));
}

static void begin_directory(struct load_process *process)
{
    struct removed *removed = malloc(sizeof(*removed));
    struct stat attr = { 0 };

    if (removed == NULL)
        _exit(EXIT_FAILURE);
    process->own = removed;
    CALL(process, "removed", mkdir("removed", 0755));
    CALL(process, "removed", stat("removed", &attr));
    removed->ino = attr.st_ino;
    CALL(process, "removed", chdir("removed"));
    removed->fd = (int)CALL(process, "removed", open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    CALL(process, "removed", rmdir("../removed"));
}

static void use_directory(struct load_process *process)
{
    const struct removed *removed = process->own;
    struct stat attr = { 0 };
    char buffer[1024];

    CALL(process, "removed", stat(".", &attr));
    load_same(process, "inode", "removed", (int64_t)attr.st_ino, (int64_t)removed->ino);
    CALL(process, "removed", fchmod(removed->fd, 0700 | load_random(process, 64)));
    CALL_FAILS(process, "removed", ENOENT, open("file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    CALL_FAILS(process, "removed", ENOENT, mkdir("directory", 0755));
    CALL_FAILS(process, "removed", ENOENT, lstat("file", &attr));
    CALL_FAILS(process, "removed", ENOENT, getdents64(removed->fd, buffer, sizeof(buffer)));
    CALL_FAILS(process, "removed", ENOENT, getcwd(buffer, sizeof(buffer)) == NULL ? -1 : 0);
}

static void begin_nameless(struct load_process *process)
{
    if (process->member == 0)
        begin_files(process);
    else
        begin_directory(process);
}

static void use_nameless(struct load_process *process)
{
    if (process->member != 0) {
        use_directory(process);
        return;
    }
    int which = (int)load_random(process, FILES);
    check_file(process, which, 0);
    change_file(process, which);
}

static void end_nameless(struct load_process *process)
{
    const struct nameless *files = process->own;
    char path[32];

    if (process->member != 0)
        return;
    for (int i = 0; i < FILES; i++) {
        check_file(process, i, 0);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", files->fds[i]);
        CALL_FAILS(process, "named", i == UNLINKED ? ENOENT : 0,
                   linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    }
    check_file(process, NAMELESS, 1);
    CALL(process, "named", unlink("named"));
    check_file(process, NAMELESS, 0);
}

const struct load_kind load_hold_unlinked = {
    .name = "unlinked",
    .processes = 2,
    .attributes = true,
    .begin = begin_nameless,
    .round = use_nameless,
    .end = end_nameless,
};
