// SPDX-License-Identifier: BSD-2-Clause
/*
 * Mappings that stay: two processes share one file, and what one writes the other reads, from its
 * own mapping and by reading. Both have a private mapping of another file, and what they write to
 * it stays their own.
 */
#include "tests/mount/load/load_kinds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORDS = 16 << 10, BYTES = WORDS * sizeof(uint32_t) };

struct turn {
    unsigned at;
    uint32_t value;
};

struct maps {
    int fd;
    _Atomic uint32_t *common;
    uint32_t *private;
    uint32_t *model; // of the private one
};

static void make_files(struct load_process *process)
{
    static const char *const names[] = { "common", "private" };

    for (int i = 0; i < 2; i++) {
        int fd = (int)CALL(process, names[i], open(names[i], O_RDWR | O_CREAT | O_CLOEXEC, 0644));
        CALL(process, names[i], ftruncate(fd, BYTES));
        CALL(process, names[i], close(fd));
    }
}

static void *map(struct load_process *process, const char *name, int flags)
{
    int fd = (int)CALL(process, name, open(name, O_RDWR | O_CLOEXEC));
    void *address = MAP_FAILED;

    CALL(process, name, address = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, flags, fd, 0));
    CALL(process, name, close(fd));
    if (address == MAP_FAILED)
        _exit(EXIT_FAILURE);
    return address;
}

static void map_files(struct load_process *process)
{
    struct maps *maps = malloc(sizeof(*maps));

    if (maps == NULL)
        _exit(EXIT_FAILURE);
    maps->common = map(process, "common", MAP_SHARED);
    maps->private = map(process, "private", MAP_PRIVATE);
    maps->model = calloc(WORDS, sizeof(uint32_t));
    maps->fd = (int)CALL(process, "common", open("common", O_RDONLY | O_CLOEXEC));
    if (maps->model == NULL)
        _exit(EXIT_FAILURE);
    process->own = maps;
}

static void use_private(struct load_process *process)
{
    struct maps *maps = process->own;
    unsigned at = load_random(process, WORDS);

    load_same(process, "word", "private", maps->private[at], maps -> model[at]);
    maps->private[at] = maps->model[at] = load_random(process, UINT32_MAX);
}

/* One writes at a place that both know, and the other looks. */
static void use_common(struct load_process *process)
{
    struct turn *turn = process->shared;
    struct maps *maps = process->own;
    uint32_t value = 0;

    if (process->member == 0) {
        turn->at = load_random(process, WORDS);
        turn->value = load_random(process, UINT32_MAX);
        atomic_store(&maps->common[turn->at], turn->value);
    }
    load_meet(process);
    load_same(process, "word", "common", atomic_load(&maps->common[turn->at]), turn->value);
    CALL_GIVES(process, "common", sizeof(value),
               pread(maps->fd, &value, sizeof(value), (off_t)(turn->at * sizeof(value))));
    load_same(process, "word that was read", "common", value, turn->value);
    load_meet(process);
}

/* Another mapping in place of the old one. */
static void map_again(struct load_process *process)
{
    struct maps *maps = process->own;

    CALL(process, "common", munmap((void *)maps->common, BYTES));
    maps->common = map(process, "common", MAP_SHARED);
}

static void use_mappings(struct load_process *process)
{
    struct maps *maps = process->own;

    use_private(process);
    use_common(process);
    switch (load_random(process, 16)) {
    case 0:
        map_again(process);
        break;
    case 1:
        CALL(process, "common", msync((void *)maps->common, BYTES, MS_SYNC));
        break;
    }
}

static void check_private(struct load_process *process)
{
    const struct maps *maps = process->own;
    uint32_t zero[1024] = { 0 }, words[1024];
    int fd = (int)CALL(process, "private", open("private", O_RDONLY | O_CLOEXEC));

    load_same_bytes(process, "words", "private", maps->private, maps->model, BYTES);
    for (size_t at = 0; at < BYTES; at += sizeof(words)) {
        CALL_GIVES(process, "private", sizeof(words), pread(fd, words, sizeof(words), (off_t)at));
        load_same_bytes(process, "bytes", "private", words, zero, sizeof(words));
    }
    CALL(process, "private", close(fd));
}

const struct load_kind load_hold_mapping = {
    .name = "mapping",
    .processes = 2,
    .shared_size = sizeof(struct turn),
    .lockstep = true,
    .prepare = make_files,
    .begin = map_files,
    .round = use_mappings,
    .rest = check_private,
};
