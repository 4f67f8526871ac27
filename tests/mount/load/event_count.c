// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/load/event_count.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void event_count_advance(struct event_count *events)
{
    atomic_fetch_add(&events->count, 1);
    syscall(SYS_futex, &events->count, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void event_count_await(struct event_count *events, uint32_t seen)
{
    struct timespec limit = { .tv_sec = 1 };

    syscall(SYS_futex, &events->count, FUTEX_WAIT, seen, &limit, NULL, 0);
}
