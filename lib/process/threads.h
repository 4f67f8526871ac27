// SPDX-License-Identifier: BSD-2-Clause
/* The states and rights of another process' threads, as proc(5) tells them. */
#ifndef SHMAP_THREADS_H
#define SHMAP_THREADS_H

#include <stdbool.h>
#include <sys/types.h>

/* From the bottom up: what one thread is at says more of a process than what others are at. */
enum threads {
    THREADS_UNKNOWN,  // /proc does not tell
    THREADS_WAITING,  // for each other, or for somebody to continue them
    THREADS_RUNNABLE, // one runs, or would if it had a processor
    THREADS_AT_DISK,  // one waits for a disk, and cannot be killed
    THREADS_TRACED,   // one has a debugger
};

/* Looks at all threads of a process, once. */
enum threads threads_of(pid_t process);

/* Returns whether a capability is effective in a thread; `unknown`: /proc does not tell. */
bool thread_has_capability(pid_t thread, unsigned capability, bool unknown);

#endif
