// SPDX-License-Identifier: BSD-2-Clause
/*
 * A real mount for each group of cases.
 *
 *   test_NAME AREA MODE USER      AREA: ram | anon | persist | atomic | checkpoint
 *                                 MODE: passthrough | cached
 *                                 USER: root | user
 *   test_NAME native DIRECTORY [USER]
 *                                 the same cases on a plain directory: what the kernel itself does;
 *                                 the word tmpfs for DIRECTORY means a new tmpfs
 *
 * ram is a mount without a STORE; anon and persist are two directories of one mount with a STORE.
 * With atomic and checkpoint the directory that is otherwise persisted has that class.
 *
 * The program moves itself into mount and PID namespaces of its own before it mounts, so that
 * neither a mount nor a daemon can outlive it, however it ends. The daemon under test is $SHMAPFS;
 * it runs with -f, and anything that it writes to standard error fails the group.
 *
 * Environment: SHMAPFS_TEST_OPTIONS, mount options to add; SHMAPFS_TEST_FILTER, a pattern of the
 * cases to run; SHMAPFS_NO_SKIP=1 makes a failure of everything that would be skipped.
 */
#ifndef SHMAPFS_TESTS_HARNESS_H
#define SHMAPFS_TESTS_HARNESS_H

// cmocka.h wants these before it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

// The size of the RAM area under test: enough for every case, and little enough for a small
// machine.
enum { HARNESS_AREA_SIZE = 1 << 30 };

// How long a case waits for what must come. Generous: a build with sanitizers on a busy machine
// must pass, too.
enum { WAIT_SECONDS = 120 };

enum area { AREA_RAM, AREA_ANON, AREA_PERSIST, AREA_NATIVE };

struct fixture {
    enum area area;
    const char *class;  // atomic or checkpoint, with AREA_PERSIST; NULL: its files are persisted
    bool nopassthrough; // the mount gets this option
    bool passthrough;   // data passes through the kernel: asked for, and there
    bool cached;        // data goes through FUSE's page cache; neither is so on native
    bool memory;        // the area's files live in a tmpfs; otherwise on the filesystem of /var/tmp
    bool root;          // the cases run as root; otherwise as `nobody`, who also owns the mount
    const char *mnt;    // the mount point (native: the directory)
    const char *store;  // the store's directory; NULL on ram and native
    const char *base;   // the directory in the mount where the area under test begins
    char *dir;          // the case's own directory below base: new, and where the case works
    pid_t daemon;       // the process that serves the mount; 0 on native
    int outsider;       // where harness_outside() asks; -1 when nobody can become another user
};

/* Parses the command line, mounts, runs the cases (each gets `struct fixture **` as its state),
 * unmounts and checks what the daemon wrote. Returns the program's exit status. */
int harness_main(int argc, char **argv, const char *group, const struct CMUnitTest cases[],
                 size_t count);

#define HARNESS_MAIN(group, cases)                                                         \
    int main(int argc, char **argv)                                                        \
    {                                                                                      \
        return harness_main(argc, argv, group, cases, sizeof(cases) / sizeof((cases)[0])); \
    }

/* The fixture of a running case. */
static inline struct fixture *fixture_of(void **state)
{
    return *state;
}

/* Runs body(argument) in a child as uid/gid with the given supplementary groups; returns its exit
 * status, or 128 + signal. A failed cmocka assertion in the child is not the parent's: the body
 * returns what it found, 0 for well. */
int harness_as(uid_t uid, gid_t gid, size_t ngroups, const gid_t *groups, int (*body)(void *),
               void *argument);

/* The same from outside: also when the cases themselves run as `nobody`. The data that argument
 * points to must have been there before the cases began. -1 when the program was not started by
 * root. */
int harness_outside(const struct fixture *fixture, uid_t uid, gid_t gid, int (*body)(void *),
                    void *argument);

/* Ends the case that cannot run on this kernel, or fails it where skipping is forbidden. */
void harness_skip_case(const char *reason);

/* Asserts that a call failed with the errno given, naming the call. */
#define assert_errno(call, expected)                                                     \
    do {                                                                                 \
        errno = 0;                                                                       \
        long result_ = (long)(call);                                                     \
        int errno_ = errno;                                                              \
        if (result_ != -1 || errno_ != (expected))                                       \
            fail_msg("%s: result %ld, errno %d (%s); wanted %s", #call, result_, errno_, \
                     strerror(errno_), #expected);                                       \
    } while (0)

/* Asserts that a call did not return -1, naming the call and the errno. */
#define assert_ok(call)                                                   \
    do {                                                                  \
        if ((long)(call) == -1)                                           \
            fail_msg("%s: errno %d (%s)", #call, errno, strerror(errno)); \
    } while (0)

#endif
