// SPDX-License-Identifier: BSD-2-Clause
// Every result of every call of a load, held to what it must be, and counted.
#include "tests/mount/load/load.h"

#include "tests/mount/load/event_count.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MOST_COMPLAINTS = 20 };

unsigned load_random(struct load_process *process, unsigned below)
{
    process->random ^= process->random << 13;
    process->random ^= process->random >> 7;
    process->random ^= process->random << 17;
    return (unsigned)((process->random >> 32) * below >> 32);
}

void load_enter(struct load_process *process, const char *call, const char *path)
{
    process->call = call;
    snprintf(process->path, sizeof(process->path), "%s", path);
    process->busy = true;
    errno = 0;
}

static struct load_tally *tally_of(const struct load_process *process)
{
    return (struct load_tally *)process->load;
}

static void count_call(struct load_process *process)
{
    struct load_tally *tally = tally_of(process);
    uint64_t made = atomic_fetch_add(&tally->calls, 1) + 1;
    uint64_t target = atomic_load(&tally->target);

    process->busy = false;
    // One of those that see it reached takes it away.
    if (target != 0 && made >= target && atomic_exchange(&tally->target, 0) != 0)
        event_count_advance(&tally->news);
}

static bool may_complain(const struct load_process *process)
{
    return atomic_fetch_add(&tally_of(process)->complaints, 1) < MOST_COMPLAINTS;
}

static void complain(struct load_process *process, long result, int error, const char *wanted)
{
    atomic_fetch_add(&tally_of(process)->failed, 1);
    if (may_complain(process))
        fprintf(stderr, "failed call: %s %u: %s on %s: %ld, errno %d (%s); wanted %s\n",
                process->kind->name, process->member, process->call, process->path, result, error,
                strerror(error), wanted);
}

long load_worked(struct load_process *process, long result)
{
    int error = errno;

    count_call(process);
    if (result == -1)
        complain(process, result, error, "success");
    return result;
}

bool load_gave(struct load_process *process, long wanted, long result)
{
    int error = errno;
    char number[32];

    count_call(process);
    if (result == wanted)
        return true;
    snprintf(number, sizeof(number), "%ld", wanted);
    complain(process, result, error, number);
    return false;
}

bool load_refused(struct load_process *process, int wanted, long result)
{
    int error = errno;

    count_call(process);
    if (wanted == 0 ? result != -1 : result == -1 && error == wanted)
        return true;
    complain(process, result, error, wanted == 0 ? "success" : strerror(wanted));
    return false;
}

int load_allowed(struct load_process *process, int one, int other, long result)
{
    int error = errno;

    count_call(process);
    if (result != -1)
        return 0;
    if (error != one && error != other)
        complain(process, result, error, strerror(one));
    return error;
}

bool load_same(struct load_process *process, const char *what, const char *path, int64_t found,
               int64_t wanted)
{
    if (found == wanted)
        return true;
    atomic_fetch_add(&tally_of(process)->different, 1);
    if (may_complain(process))
        fprintf(stderr, "difference: %s %u: %s of %s: %" PRId64 "; wanted %" PRId64 "\n",
                process->kind->name, process->member, what, path, found, wanted);
    return false;
}

bool load_same_bytes(struct load_process *process, const char *what, const char *path,
                     const void *found, const void *wanted, size_t size)
{
    const unsigned char *here = found, *there = wanted;
    size_t at = 0;

    if (memcmp(found, wanted, size) == 0)
        return true;
    while (here[at] == there[at])
        at++;
    atomic_fetch_add(&tally_of(process)->different, 1);
    if (may_complain(process))
        fprintf(stderr, "difference: %s %u: %s of %s: byte %zu of %zu is %u; wanted %u\n",
                process->kind->name, process->member, what, path, at, size, here[at], there[at]);
    return false;
}
