// SPDX-License-Identifier: BSD-2-Clause
// A lease on a file of the store (see fcntl(2), F_SETLEASE), which others must wait for who open
// that file to write.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

// More than the daemon has threads.
enum { LEASES = 12 };

static const char *numbered(const char *directory, int number, char path[64])
{
    snprintf(path, 64, "%s/file%d", directory, number);
    return path;
}

/* A file that already is in the store, with a lease whose breaking raises SIGRTMIN. */
static int take_lease(int number)
{
    char path[64];

    put_file(numbered("store", number, path), "contents");
    int fd = open_file(path, O_RDONLY);
    assert_ok(fcntl(fd, F_SETSIG, SIGRTMIN));
    assert_ok(fcntl(fd, F_SETLEASE, F_RDLCK));
    return fd;
}

struct lease_breaker {
    int number;
    bool may_fail;
};

static int open_for_writing(struct coprocess *parent, void *argument)
{
    const struct lease_breaker *breaker = argument;
    char path[64];

    (void)parent;
    int fd = open(numbered("mnt", breaker->number, path), O_RDWR | O_CLOEXEC);
    coprocess_check(fd >= 0 || (breaker->may_fail && errno == EAGAIN));
    return fd < 0 || close(fd) == 0 ? 0 : 1;
}

static void await_breaking(const sigset_t *breaking)
{
    struct timespec limit = { .tv_sec = WAIT_SECONDS };

    for (int i = 0; i < LEASES; i++)
        if (sigtimedwait(breaking, NULL, &limit) == -1)
            fail_msg("open %d of %d does not get to the file: %s", i + 1, LEASES, strerror(errno));
}

static void others_are_served_while_openers_wait(void **state)
{
    struct workspace *workspace = workspace_of(state);
    // Only passthrough lets the program itself wait; the daemon does not wait for it.
    struct lease_breaker opener = { .may_fail = !workspace->passthrough };
    struct coprocess openers[LEASES];
    int leased[LEASES];
    char path[64];
    sigset_t breaking;

    sigemptyset(&breaking);
    sigaddset(&breaking, SIGRTMIN);
    assert_ok(sigprocmask(SIG_BLOCK, &breaking, NULL));
    put_file("store/other", "contents");
    for (int i = 0; i < LEASES; i++)
        leased[i] = take_lease(i);
    workspace_mount(workspace, true, "");
    for (; opener.number < LEASES; opener.number++)
        assert_int_equal(coprocess_start(&openers[opener.number], open_for_writing, &opener), 0);
    await_breaking(&breaking);
    assert_int_equal(stat_of("mnt/other").st_size, 8);
    put_file("mnt/new", "contents");
    assert_content("mnt/new", "contents");
    // A lease that nobody gives back is gone after a while, and those who waited go on: all of this
    // was before.
    for (int i = 0; i < LEASES; i++)
        assert_ok(fcntl(leased[i], F_SETLEASE, F_UNLCK));
    for (int i = 0; i < LEASES; i++) {
        assert_ok(close(leased[i]));
        assert_coprocess_succeeds(&openers[i]);
        put_file(numbered("mnt", i, path), "written");
        assert_content(path, "written");
    }
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(others_are_served_while_openers_wait),
};

WORKSPACE_MAIN("lease", cases)
