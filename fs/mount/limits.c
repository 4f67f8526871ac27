// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include "fs/nodes/node_table.h"

#define KIB ((rlim_t)1 << 10)
#define MIB ((rlim_t)1 << 20)
#define GIB ((rlim_t)1 << 30)

/* Limits without a least value only make the mount slower, or fail single calls. */
static const struct {
    int resource;
    char ulimit; // the shell's option for it
    rlim_t least;
    const char *what;
} LIMITS[] = {
    { RLIMIT_FSIZE, 'f', RLIM_INFINITY, "size of files" },
    // A worker that has used up its time is replaced; that must not happen all the time.
    { RLIMIT_CPU, 't', 600, "CPU time" },
    // The node table has its addresses from the beginning, and a thread its own heap.
    { RLIMIT_AS, 'v', 8 * GIB, "address space" },
    { RLIMIT_DATA, 'd', 1 * GIB, "data" },
    // Threads that serve have stacks of a size of their own.
    { RLIMIT_STACK, 's', 256 * KIB, "stack" },
    { RLIMIT_NPROC, 'u', 0, NULL },
    { RLIMIT_MEMLOCK, 'l', 0, NULL },
    { RLIMIT_SIGPENDING, 'i', 0, NULL },
};

/* Raises a limit as far as it may be, where it is below `least`. Returns whether it is enough
 * then. */
static bool raise_limit(int resource, rlim_t least)
{
    const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
    struct rlimit limit;

    if (getrlimit(resource, &limit) != 0)
        return true;
    if (limit.rlim_cur >= least && least > 0)
        return true;
    // Beyond the hard limit, that takes CAP_SYS_RESOURCE.
    if (limit.rlim_max < least && setrlimit(resource, &none) == 0)
        return true;
    limit.rlim_cur = limit.rlim_max;
    return least == 0 || (setrlimit(resource, &limit) == 0 && limit.rlim_cur >= least);
}

static int complain_of(size_t i, struct complaint *complaint)
{
    struct rlimit limit = { 0 };
    char least[32] = "unlimited";

    getrlimit(LIMITS[i].resource, &limit);
    if (LIMITS[i].least != RLIM_INFINITY)
        snprintf(least, sizeof(least), "at least %ju", (uintmax_t)LIMITS[i].least);
    return complain(complaint, EPERM,
                    "the limit of the %s (ulimit -%c) is %ju %s, may not be raised, and would end "
                    "the daemon; it must be %s",
                    LIMITS[i].what, LIMITS[i].ulimit, (uintmax_t)limit.rlim_max,
                    LIMITS[i].resource == RLIMIT_CPU ? "seconds" : "bytes", least);
}

static void raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max < NODE_FD_MAX ? limit.rlim_max : NODE_FD_MAX;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int limits_raise(struct complaint *complaint)
{
    raise_descriptors();
    for (size_t i = 0; i < sizeof(LIMITS) / sizeof(LIMITS[0]); i++) {
        if (!raise_limit(LIMITS[i].resource, LIMITS[i].least))
            return complain_of(i, complaint);
    }
    return 0;
}

void limits_forbid_cores(void)
{
    struct rlimit limit;

    // The limit of a process can be raised again to look for a fault: prlimit(1).
    if (getrlimit(RLIMIT_CORE, &limit) != 0)
        return;
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_CORE, &limit);
}
