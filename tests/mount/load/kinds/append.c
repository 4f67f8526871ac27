// SPDX-License-Identifier: BSD-2-Clause
// Several processes append records to one file. Each record must be there once, whole, in the order
// of its writer.
#include "tests/mount/load/load_kinds.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PROCESSES = 3, MOST_RECORDS = 4000 };

struct record {
    uint64_t member, number;
};

struct appended {
    uint64_t counts[PROCESSES]; // each changed by its own member
};

static void open_journal(struct load_process *process)
{
    int *fd = malloc(sizeof(*fd));

    if (fd == NULL)
        _exit(EXIT_FAILURE);
    *fd = (int)CALL(process, "journal",
                    open("journal", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    process->own = fd;
}

static void append(struct load_process *process)
{
    struct appended *appended = process->shared;
    const int *fd = process->own;
    struct record record = { process->member, appended->counts[process->member] };
    struct statvfs space;

    // The daemon hears of this alone when there is passthrough.
    CALL(process, "journal", fstatvfs(*fd, &space));
    if (record.number == MOST_RECORDS)
        return;
    CALL_GIVES(process, "journal", sizeof(record), write(*fd, &record, sizeof(record)));
    appended->counts[process->member]++;
}

static void read_journal(struct load_process *process)
{
    struct appended *appended = process->shared;
    const int *fd = process->own;
    uint64_t seen[PROCESSES] = { 0 }, total = 0;
    struct record record;

    if (process->member != 0)
        return;
    for (int i = 0; i < PROCESSES; i++)
        total += appended->counts[i];
    CALL_GIVES(process, "journal", (long)(total * sizeof(record)), lseek(*fd, 0, SEEK_END));
    for (uint64_t i = 0; i < total; i++) {
        off_t offset = (off_t)(i * sizeof(record));
        if (!CALL_GIVES(process, "journal", sizeof(record),
                        pread(*fd, &record, sizeof(record), offset)) ||
            !load_same(process, "writer", "journal", record.member < PROCESSES, 1))
            return;
        load_same(process, "record", "journal", (int64_t)record.number,
                  (int64_t)seen[record.member]++);
    }
    CALL(process, "journal", ftruncate(*fd, 0));
    for (int i = 0; i < PROCESSES; i++)
        appended->counts[i] = 0;
}

const struct load_kind load_append = {
    .name = "append",
    .processes = PROCESSES,
    .shared_size = sizeof(struct appended),
    .begin = open_journal,
    .round = append,
    .rest = read_journal,
};
