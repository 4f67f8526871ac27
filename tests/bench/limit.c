// SPDX-License-Identifier: BSD-2-Clause
#include "limit.h"

#include <math.h>
#include <stdio.h>

static const struct pair native[] = {
    { .side = "anon", .against = "tmpfs-huge", .floor = "floor" },
    { .side = "persist", .against = "directory", .floor = "floor" },
    { 0 },
};
static const struct pair native_uring[] = {
    { .side = "anon-uring", .against = "tmpfs-huge", .floor = "floor-uring" },
    { .side = "persist-uring", .against = "directory", .floor = "floor-uring" },
    { 0 },
};
static const struct pair native_cached[] = {
    { .side = "anon-nopassthrough", .against = "tmpfs-huge" },
    { .side = "persist-nopassthrough", .against = "directory" },
    { 0 },
};
static const struct pair default_tmpfs[] = {
    { .side = "anon", .against = "tmpfs" },
    { 0 },
};
static const struct pair native_scratch[] = {
    { .side = "scratch", .against = "directory" },
    { 0 },
};
static const struct pair native_atomic[] = {
    { .side = "atomic", .against = "directory" },
    { 0 },
};
static const struct pair native_shared[] = {
    { .side = "shared", .against = "directory" },
    { 0 },
};
static const struct pair tmpfs_checkpoint[] = {
    { .side = "checkpoint", .against = "tmpfs" },
    { 0 },
};
static const struct pair peer[] = {
    { .side = "anon", .against = "hp-tmpfs" },
    { .side = "persist", .against = "hp-directory" },
    { 0 },
};
static const struct pair peer_uring[] = {
    { .side = "anon-uring", .against = "hp-tmpfs" },
    { .side = "persist-uring", .against = "hp-directory" },
    { 0 },
};
static const struct pair itself_in_ram[] = {
    { .side = "anon" },
    { .side = "anon-nopassthrough" },
    { 0 },
};
static const struct pair itself[] = {
    { .side = "anon" },
    { .side = "persist" },
    { 0 },
};

// Four processes at once against one: 1.6 times the throughput, told as time.
#define FOUR(call)                                                                    \
    {                                                                                 \
        .work = call " x4", .pairs = itself, .at_most = 1 / 1.6, .against_work = call \
    }

// Files that go with their last user against ordinary ones.
#define LAST_CLOSE(kept, ordinary)                                                       \
    {                                                                                    \
        .work = kept " last-close: open+close", .pairs = itself_in_ram, .at_most = 1.15, \
        .against_work = ordinary ": open+close"                                          \
    }

// On a store of several hosts, whose servers are what takes the time.
#define SHARED(call)                                         \
    {                                                        \
        .work = call, .pairs = native_shared, .at_most = 1.1 \
    }

// With a million files known against a thousand.
#define KNOWN(call)                                                 \
    {                                                               \
        .work = "1M known: " call, .pairs = itself, .at_most = 1.3, \
        .against_work = "1k known: " call                           \
    }

// clang-format off
const struct limit limits[] = {
    { .work = "mmap first touch", .pairs = native, .at_most = 1.03 },
    { .work = "mmap warm store", .pairs = native, .at_most = 1.03 },
    { .work = "mmap refault", .pairs = native, .at_most = 1.03 },
    { .work = "mmap random refault", .pairs = native, .at_most = 1.03 },
    { .work = "msync all", .pairs = native, .at_most = 1.03 },
    { .work = "msync 1 %", .pairs = native, .at_most = 1.03 },
    { .work = "mmap refault", .pairs = default_tmpfs, .at_most = 0.2 },
    { .work = "ping-pong", .pairs = native, .at_most = 1.02 },

    { .work = "pwrite 4 KiB", .pairs = native, .at_most = 1.15 },
    { .work = "pwrite 4 KiB random", .pairs = native, .at_most = 1.15 },
    { .work = "pread 4 KiB", .pairs = native, .at_most = 1.15 },
    { .work = "pread 4 KiB random", .pairs = native, .at_most = 1.15 },
    { .work = "pwrite 1 MiB", .pairs = native, .at_most = 1.03 },
    { .work = "pwrite 1 MiB random", .pairs = native, .at_most = 1.03 },
    { .work = "pread 1 MiB", .pairs = native, .at_most = 1.03 },
    { .work = "pread 1 MiB random", .pairs = native, .at_most = 1.03 },

    { .work = "open+close", .pairs = peer, .at_most = 0.55 },
    { .work = "create+close", .pairs = peer, .at_most = 0.6 },
    { .work = "unlink", .pairs = peer, .at_most = 0.8 },
    { .work = "rename", .pairs = peer, .at_most = 0.8 },
    { .work = "open+close", .pairs = peer_uring, .at_most = 0.4 },
    { .work = "create+close", .pairs = peer_uring, .at_most = 0.45 },
    { .work = "unlink", .pairs = peer_uring, .at_most = 0.55 },
    { .work = "rename", .pairs = peer_uring, .at_most = 0.55 },

    { .work = "daemon: create+close", .pairs = peer, .at_most = 1.2 },
    { .work = "daemon: open+close", .pairs = peer, .at_most = 1.2 },
    { .work = "daemon: rename", .pairs = peer, .at_most = 1.2 },
    { .work = "daemon: mkdir", .pairs = peer, .at_most = 1.2 },
    { .work = "daemon: unlink", .pairs = peer, .at_most = 1.2 },

    // The round trips that the protocol demands. The kernel drops a directory's attributes with each
    // change that it makes in it, so that the next change begins with a GETATTR of the directory; and
    // a name that is not known takes a LOOKUP.
    // Open and close: OPEN. Nobody waits for RELEASE.
    { .work = "open+close", .pairs = native, .at_most = 1.25, .round_trips = 1 },
    { .work = "open+close", .pairs = native_uring, .at_most = 1.25, .round_trips = 1 },
    // Create and close, mkdir: GETATTR, LOOKUP, CREATE or MKDIR.
    { .work = "create+close", .pairs = native, .at_most = 1.25, .round_trips = 3 },
    { .work = "create+close", .pairs = native_uring, .at_most = 1.25, .round_trips = 3 },
    { .work = "mkdir", .pairs = native, .at_most = 1.25, .round_trips = 3 },
    { .work = "mkdir", .pairs = native_uring, .at_most = 1.25, .round_trips = 3 },
    // GETATTR, LOOKUP of the new name, RENAME.
    { .work = "rename", .pairs = native, .at_most = 1.25, .round_trips = 3 },
    { .work = "rename", .pairs = native_uring, .at_most = 1.25, .round_trips = 3 },
    // GETATTR, UNLINK of a name that is known.
    { .work = "unlink", .pairs = native, .at_most = 1.25, .round_trips = 2 },
    { .work = "unlink", .pairs = native_uring, .at_most = 1.25, .round_trips = 2 },
    // LOOKUP, which brings the attributes too.
    { .work = "stat cold", .pairs = native, .at_most = 1.25, .round_trips = 1 },
    { .work = "stat cold", .pairs = native_uring, .at_most = 1.25, .round_trips = 1 },
    { .work = "stat warm", .pairs = native, .at_most = 1.2 },

    { .work = "build", .pairs = default_tmpfs, .at_most = 1.05 },
    { .work = "build", .pairs = native_scratch, .at_most = 1.05 },
    { .work = "sort", .pairs = native_scratch, .at_most = 1.05 },
    { .work = "untar", .pairs = default_tmpfs, .at_most = 1.6 },
    { .work = "git status", .pairs = default_tmpfs, .at_most = 1.5 },
    { .work = "git clone", .pairs = default_tmpfs, .at_most = 2.5 },
    { .work = "rm -r", .pairs = default_tmpfs, .at_most = 3 },
    { .work = "sqlite insert", .pairs = default_tmpfs, .at_most = 1.05 },
    { .work = "sqlite select", .pairs = default_tmpfs, .at_most = 1.05 },
    { .work = "rsync unchanged", .pairs = default_tmpfs, .at_most = 1.3 },

    FOUR("pwrite 4 KiB"),
    FOUR("pread 4 KiB"),
    FOUR("open+close"),
    FOUR("create+close"),
    FOUR("unlink"),
    FOUR("rename"),

    LAST_CLOSE("lingering", "unused"),
    LAST_CLOSE("held", "held"),
    LAST_CLOSE("mapped", "mapped"),

    SHARED("mmap warm store"),
    SHARED("msync all"),
    SHARED("msync 1 %"),
    SHARED("pwrite 4 KiB"),
    SHARED("pread 4 KiB"),
    SHARED("pwrite 1 MiB"),
    SHARED("pread 1 MiB"),
    SHARED("open+close"),
    SHARED("create+close"),
    SHARED("stat warm"),
    SHARED("rename"),
    SHARED("mkdir"),
    SHARED("unlink"),
    SHARED("readdir 1k"),
    SHARED("readdir 1k changed"),

    KNOWN("open+close"),
    KNOWN("open+close any"),
    KNOWN("create+close"),
    KNOWN("unlink"),
    KNOWN("rename"),
    KNOWN("stat warm"),
    KNOWN("stat any"),
    { .work = "memory per known file", .pairs = itself, .at_most = 160 },
    // As many as nodes may have by default, and the few of the daemon's own.
    { .work = "descriptors", .pairs = itself, .at_most = 10100 },
    { .work = "idle", .pairs = itself, .at_most = 0 },

    { .work = "mmap warm store", .pairs = native_cached, .at_most = 1.2 },

    { .work = "msync 1 random", .pairs = native_atomic, .at_most = 1.5 },
    { .work = "msync 16 random", .pairs = native_atomic, .at_most = 1.5 },
    { .work = "msync 256 random", .pairs = native_atomic, .at_most = 1.5 },
    { .work = "msync 4096 random", .pairs = native_atomic, .at_most = 1.5 },
    { .work = "msync 1 written", .pairs = native_atomic, .at_most = 1.5 },
    { .work = "msync 16 written", .pairs = native_atomic, .at_most = 1.5 },
    { .work = "msync 256 written", .pairs = native_atomic, .at_most = 1.5 },
    { .work = "mmap warm store", .pairs = tmpfs_checkpoint, .at_most = 1.2 },
    // A RAM disk is saved so.
    { .work = "save 1 %", .pairs = tmpfs_checkpoint, .at_most = 0.1, .against_work = "rsync 1 %" },
    { .work = "sqlite commit", .pairs = native_atomic, .at_most = 1,
      .against_work = "sqlite WAL commit" },
};
// clang-format on
const size_t limit_count = sizeof(limits) / sizeof(limits[0]);

static double sample(const struct results *results, const char *work, const char *side,
                     unsigned round)
{
    const struct series *series = results_find(results, work);
    size_t index = side_index(side);

    return series == NULL || index == side_count ? NAN : series->samples[index][round];
}

// Returns what the value of one round is held against.
static double reference(const struct results *results, const struct limit *limit,
                        const struct pair *pair, unsigned round)
{
    double value = 0;

    if (limit->against_work != NULL)
        return sample(results, limit->against_work,
                      pair->against != NULL ? pair->against : pair->side, round);
    if (pair->against == NULL)
        return 1;
    if (limit->round_trips > 0)
        value = limit->round_trips * sample(results, "floor", pair->floor, round);
    return value + sample(results, limit->work, pair->against, round);
}

// Round by round: a work that has fewer rounds is held only against what the other did in the same.
struct summary limit_figure(const struct results *results, const struct limit *limit,
                            const struct pair *pair)
{
    double values[MAX_ROUNDS];
    size_t count = 0;

    for (unsigned round = 0; round < results->rounds; round++) {
        double value = sample(results, limit->work, pair->side, round) /
                       reference(results, limit, pair, round);

        if (isfinite(value))
            values[count++] = value;
    }
    return results_summarise(values, count);
}

void limit_describe(const struct limit *limit, const struct pair *pair, char *text, size_t size)
{
    if (limit->against_work != NULL && pair->against != NULL)
        snprintf(text, size, "%s on %s", limit->against_work, pair->against);
    else if (limit->against_work != NULL)
        snprintf(text, size, "%s", limit->against_work);
    else if (pair->against == NULL)
        snprintf(text, size, "the figure itself");
    else if (limit->round_trips > 0)
        snprintf(text, size, "%u %s + %s", limit->round_trips, pair->floor, pair->against);
    else
        snprintf(text, size, "%s", pair->against);
}
