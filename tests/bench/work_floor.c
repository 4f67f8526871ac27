// SPDX-License-Identifier: BSD-2-Clause
//
// The cost of one request when the daemon has nothing to do for it: the least that a call can take
// which the kernel does not answer by itself.
#include "work.h"

#include <errno.h>
#include <sys/xattr.h>

enum { CALLS = 1000 };

// Attributes are never cached, and those of an open file need no lookup: each call is one request.
static int ask(struct subject *subject)
{
    char value[16];

    for (int i = 0; i < CALLS; i++) {
        if (fgetxattr(subject->dir_fd, "user.floor", value, sizeof(value)) < 0)
            return -errno;
    }
    return 0;
}

static int run_floor(struct subject *subject, double *seconds)
{
    int error = work_fastest(subject, NULL, ask, seconds);

    *seconds /= CALLS;
    return error;
}

static const struct work works[] = {
    { .name = "floor", .run = run_floor },
};

const struct work_group floor_works = {
    .works = works,
    .count = sizeof(works) / sizeof(works[0]),
    .on_floor = true,
};
