// SPDX-License-Identifier: BSD-2-Clause
// A directory of many names that is read slowly: each name must come exactly once, wherever a
// worker dies.
#include "tests/mount/load/load_kinds.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES = 5000, BUFFER = 1024 };

struct stream {
    int fd;
    unsigned char seen[NAMES];
    unsigned total;
};

static void make_names(struct load_process *process)
{
    char name[32];

    CALL(process, "many", mkdir("many", 0755));
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "many/name%d", i);
        CALL(process, name, mknod(name, S_IFREG | 0644, 0));
    }
}

static void open_stream(struct load_process *process)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL)
        _exit(EXIT_FAILURE);
    stream->fd = (int)CALL(process, "many", open("many", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    process->own = stream;
}

static void note_name(struct load_process *process, const char *name)
{
    struct stream *stream = process->own;
    int number = strncmp(name, "name", 4) == 0 ? atoi(name + 4) : -1;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
        !load_same(process, "foreign names", "many", number < 0 || number >= NAMES, 0))
        return;
    load_same(process, "times it came before", name, stream->seen[number], 0);
    stream->seen[number] = 1;
    stream->total++;
}

/* At the end of the directory, holds it to have given all names, and rewinds. */
static void begin_again(struct load_process *process)
{
    struct stream *stream = process->own;

    load_same(process, "names", "many", stream->total, NAMES);
    memset(stream->seen, 0, sizeof(stream->seen));
    stream->total = 0;
    CALL_GIVES(process, "many", 0, lseek(stream->fd, 0, SEEK_SET));
}

/* Reads the next few names. Returns whether there were any. */
static bool read_on(struct load_process *process)
{
    struct stream *stream = process->own;
    char buffer[BUFFER] __attribute__((aligned(8)));
    long length = CALL(process, "many", getdents64(stream->fd, buffer, sizeof(buffer)));

    for (long at = 0; at < length;) {
        struct dirent64 *entry = (struct dirent64 *)(buffer + at);
        note_name(process, entry->d_name);
        at += entry->d_reclen;
    }
    if (length == 0)
        begin_again(process);
    return length > 0;
}

static void read_some(struct load_process *process)
{
    struct stream *stream = process->own;
    struct stat attr;
    char name[32];

    // Most of the names are somewhere between the beginning and the end for as long as anything
    // happens.
    read_on(process);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "name%u", load_random(process, NAMES));
        CALL(process, name, fstatat(stream->fd, name, &attr, AT_SYMLINK_NOFOLLOW));
    }
}

/* Reads to the end, and looks at each name, so that the kernel knows as many as at the last
 * rest. */
static void read_all(struct load_process *process)
{
    struct stream *stream = process->own;
    struct stat attr;
    char name[32];

    while (read_on(process))
        continue;
    for (int i = 0; i < NAMES; i++) {
        snprintf(name, sizeof(name), "name%d", i);
        CALL(process, name, fstatat(stream->fd, name, &attr, AT_SYMLINK_NOFOLLOW));
    }
}

const struct load_kind load_hold_stream = {
    .name = "stream",
    .processes = 1,
    .prepare = make_names,
    .begin = open_stream,
    .round = read_some,
    .rest = read_all,
};
