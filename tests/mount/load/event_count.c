// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/load/event_count.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void bell_ring(struct bell *bell)
{
    atomic_fetch_add(&bell->rings, 1);
    syscall(SYS_futex, &bell->rings, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void bell_wait(struct bell *bell, uint32_t seen)
{
    struct timespec limit = { .tv_sec = 1 };

    syscall(SYS_futex, &bell->rings, FUTEX_WAIT, seen, &limit, NULL, 0);
}
