// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_URING_H
#define BENCH_URING_H

#include <stdbool.h>

// A parameter of the fuse module: whether the kernel lets filesystems talk to it over io_uring.
extern const char uring_parameter[];

bool uring_is_allowed(void);

// Sets it. Before it is allowed, signals that would end the program are made harmless, so that it
// is always taken back. Returns 0 or a negative errno.
int uring_allow(bool allowed);

#endif
