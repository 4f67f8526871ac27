// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

// Questions to the kernel about other processes. Where nothing else is said, these return 0 or a
// negative errno.

// Calls for each process that there is, until one call fails.
int process_each(int (*call)(pid_t pid, void *argument), void *argument);

// A process other than this one that was given the argument; 0: there is none.
pid_t process_with_argument(const char *argument);

// Bytes of its memory that are in RAM, also those that it shares.
int process_memory(pid_t pid, uint64_t *bytes);

// How many descriptors it has open.
int process_descriptors(pid_t pid, unsigned *count);

// How many times any of its threads has begun to run.
int process_switches(pid_t pid, uint64_t *count);

// The processor time that it has had, in seconds.
int process_processor_seconds(pid_t pid, double *seconds);

pid_t process_parent(pid_t pid); // 0: it is not there

#endif
