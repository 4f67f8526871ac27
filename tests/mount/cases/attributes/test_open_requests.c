// SPDX-License-Identifier: BSD-2-Clause
/* The kernel keeps a file's attributes, so that an open does not ask for them. */
#include "tests/mount/cases/attributes/kept_attributes.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 64 << 10, ROUNDS = 10, OPENS = 1000 };

/* An open that another process makes. */
struct open_call {
    const char *path;
    int flags;
};

static int open_once(struct coprocess *parent, void *argument)
{
    const struct open_call *call = argument;
    int fd = open(call->path, call->flags | O_CLOEXEC);

    coprocess_check(fd >= 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

/* The worker stops at each request that it receives; or the client has something to tell. */
static bool has_stopped_or_opened(void *argument)
{
    const struct coprocess *client = argument;
    struct pollfd event = { .fd = client->in, .events = POLLIN };

    return !exists("halt/after-read") || poll(&event, 1, 0) == 1;
}

/* An open for writing is one request where the kernel knows the attributes: it is not made to ask
 * for them. */
static void open_of_a_known_file_is_one_request(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    pid_t keeper = start_with_crashpoints(workspace), worker = keeper_worker(keeper);
    struct coprocess client;
    char path[64];

    for (int i = 0; i < ROUNDS; i++) {
        struct open_call call = { path, O_RDWR };
        // Each has its own, which stays: there is nothing to forget.
        snprintf(path, sizeof(path), "mnt/file%d", i);
        assert_ok(close(new_file(path, SIZE)));
        make_known(path);
        // A thread may still have a RELEASE, which would stop in the open's place.
        assert_true(status_becomes(workspace, "open_files", 0));
        arm_point("after-read");
        assert_int_equal(coprocess_start(&client, open_once, &call), 0);
        await_stop(worker);
        arm_point("after-read");
        assert_ok(kill(worker, SIGCONT));
        await_true(has_stopped_or_opened, &client, "an open");
        assert_true(exists("halt/after-read"));
        assert_ok(unlink("halt/after-read"));
        assert_true(coprocess_await_turn(&client));
        assert_true(coprocess_give_turn(&client));
        assert_coprocess_succeeds(&client);
    }
    keeper_stop(workspace, keeper);
}

/* The requests of one mount, as the kernel's tracing has them. */
struct trace {
    char dir[PATH_MAX];
};

static bool tell_trace(const struct trace *trace, const char *file, const char *words)
{
    char path[PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%s", trace->dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool told = fd >= 0 && write(fd, words, strlen(words)) == (ssize_t)strlen(words);
    if (fd >= 0)
        close(fd);
    return told;
}

/* An instance of its own, so that nobody else's tracing is touched. */
static bool begin_trace(const struct workspace *workspace, struct trace *trace)
{
    const char *name = strrchr(workspace->top, '-');
    char filter[64];

    snprintf(filter, sizeof(filter), "connection == %u", (unsigned)stat_of("mnt").st_dev);
    snprintf(trace->dir, sizeof(trace->dir), "trace/instances/shmapfs%s", name);
    assert_ok(mkdir("trace", 0700));
    return mount("trace", "trace", "tracefs", 0, NULL) == 0 && mkdir(trace->dir, 0700) == 0 &&
           tell_trace(trace, "events/fuse/fuse_request_send/filter", filter) &&
           tell_trace(trace, "events/fuse/fuse_request_send/enable", "1");
}

static unsigned traced(const struct trace *trace, const char *request)
{
    char path[PATH_MAX + 64], line[512];
    unsigned count = 0;

    snprintf(path, sizeof(path), "%s/trace", trace->dir);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        count += strstr(line, request) != NULL;
    if (file != NULL)
        fclose(file);
    return count;
}

static void end_trace(const struct trace *trace)
{
    tell_trace(trace, "events/fuse/fuse_request_send/enable", "0");
    rmdir(trace->dir);
    umount2("trace", MNT_DETACH);
}

/* Nor has the next open to ask, as long as the kernel has not been told. */
static void opens_ask_for_fewer_attributes_than_there_are_opens(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct trace trace;
    unsigned opens = 0, asked = 0;

    if (!workspace->root)
        return; // Only root can count them.
    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", SIZE)));
    make_known("mnt/file");
    bool counted = begin_trace(workspace, &trace);
    for (int i = 0; i < OPENS && counted; i++)
        counted = close(open("mnt/file", O_RDWR | O_CLOEXEC)) == 0;
    if (counted) {
        opens = traced(&trace, "FUSE_OPEN");
        asked = traced(&trace, "FUSE_GETATTR");
    }
    end_trace(&trace);
    workspace_unmount(workspace);
    if (!counted)
        harness_skip_case("this kernel has no trace events of FUSE, by which requests are counted");
    print_message("%u of OPEN, %u of GETATTR\n", opens, asked);
    assert_int_equal(opens, OPENS);
    assert_true(asked < opens);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(open_of_a_known_file_is_one_request),
    cmocka_unit_test(opens_ask_for_fewer_attributes_than_there_are_opens),
};

WORKSPACE_MAIN("open_requests", cases)
