// SPDX-License-Identifier: BSD-2-Clause
/*
 * When the kernel hears that attributes which it keeps may change unseen: some milliseconds after
 * an open for writing, whatever happens to the worker meanwhile. stat(2) tells the truth at once;
 * asked for alone (statx(2)), a time may be what the kernel has kept, but not for long.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 64 << 10, ROUNDS = 10, OPENS = 1000 };

static struct timespec mtime_alone(const char *path)
{
    struct statx stx;

    assert_ok(statx(AT_FDCWD, path, 0, STATX_MTIME, &stx));
    return (struct timespec){ .tv_sec = stx.stx_mtime.tv_sec, .tv_nsec = stx.stx_mtime.tv_nsec };
}

/* The argument is a path below both the mount and the store. */
static bool mtime_alone_is_true(void *name)
{
    char mnt[64], store[64];

    snprintf(mnt, sizeof(mnt), "mnt/%s", (const char *)name);
    snprintf(store, sizeof(store), "store/%s", (const char *)name);
    return compare_times(mtime_alone(mnt), mtime_alone(store)) == 0;
}

static void await_mtime(char *name)
{
    await_true(mtime_alone_is_true, name, "a statx for the mtime alone that tells the truth");
}

static int see_mtime(struct coprocess *parent, void *argument)
{
    const struct timespec *wanted = argument;
    struct stat attr;

    (void)parent;
    coprocess_check(stat("mnt/file", &attr) == 0);
    coprocess_check(compare_times(attr.st_mtim, *wanted) == 0);
    return 0;
}

/* Writes through the mapping and syncs: every process sees it by stat at once, and in the end
 * whichever way it asks. */
static void write_and_look(char *mapping, int round)
{
    char name[] = "file";
    struct stat before = stat_of("store/file");

    next_tick();
    mapping[round * 4096 % SIZE] = 'x';
    assert_ok(msync(mapping, SIZE, MS_SYNC));
    struct timespec now = stat_of("store/file").st_mtim;
    assert_true(compare_times(now, before.st_mtim) > 0);
    // One way of asking must not help the other.
    if (round % 2 == 0) {
        assert_int_equal(compare_times(stat_of("mnt/file").st_mtim, now), 0);
        assert_int_equal(coprocess_run(see_mtime, &now), 0);
    }
    await_mtime(name);
}

static void mapped_write_is_seen_by_every_question(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    for (int i = 0; i < ROUNDS; i++) {
        assert_ok(close(new_file("mnt/file", SIZE)));
        stat_of("mnt/file");
        int fd = open_file("mnt/file", O_RDWR);
        char *mapping = map_shared(fd, SIZE);
        write_and_look(mapping, i);
        write_and_look(mapping, i + 1);
        assert_ok(close(fd));
        write_and_look(mapping, i);
        write_and_look(mapping, i + 1);
        unmap(mapping, SIZE);
        assert_ok(unlink("mnt/file"));
    }
    workspace_unmount(workspace);
}

/* The same for files of which the kernel knows nothing but what it was told when they were made. */
static void mapped_write_to_a_new_file_is_seen(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    for (int i = 0; i < ROUNDS; i++) {
        int fd = new_file("mnt/file", SIZE);
        char *mapping = map_shared(fd, SIZE);
        write_and_look(mapping, i);
        assert_ok(close(fd));
        write_and_look(mapping, i + 1);
        write_and_look(mapping, i);
        unmap(mapping, SIZE);
        assert_ok(unlink("mnt/file"));
    }
    workspace_unmount(workspace);
}

/* Until a writer has closed the file, at most its last write through the mapping is unknown. */
static void mapped_write_before_the_close_is_seen(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char name[] = "file";

    workspace_mount(workspace, true, "");
    assert_ok(close(new_file("mnt/file", SIZE)));
    for (int i = 0; i < ROUNDS; i++) {
        stat_of("mnt/file");
        struct timespec before = mtime_alone("mnt/file");
        next_tick();
        int fd = open_file("mnt/file", O_RDWR);
        char *mapping = map_shared(fd, SIZE);
        mapping[0]++;
        assert_ok(msync(mapping, SIZE, MS_SYNC));
        unmap(mapping, SIZE);
        assert_ok(close(fd));
        assert_true(compare_times(stat_of("store/file").st_mtim, before) > 0);
        await_mtime(name);
    }
    workspace_unmount(workspace);
}

/* Opens, then writes through a mapping each time that it is told to. */
struct writer {
    const char *path;
    int flags;
};

static int write_in_turns(struct coprocess *parent, void *argument)
{
    const struct writer *writer = argument;
    int fd = open(writer->path, writer->flags | O_CLOEXEC, 0644);

    coprocess_check(fd >= 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    // Otherwise the daemon is asked for nothing more: no request of ours wakes what is to tell the
    // kernel.
    coprocess_check(!(writer->flags & (O_CREAT | O_TRUNC)) || ftruncate(fd, SIZE) == 0);
    char *mapping = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(mapping != MAP_FAILED);
    do {
        mapping[0]++;
        coprocess_check(msync(mapping, SIZE, MS_SYNC) == 0);
        coprocess_check(coprocess_give_turn(parent));
    } while (coprocess_await_turn(parent));
    return 0;
}

static pid_t start_with_crashpoints(const struct workspace *workspace)
{
    return keeper_start(workspace, &(struct keeper_settings){ .with_store = true,
                                                              .variable = "SHMAPFS_FAULTS",
                                                              .stops_at_points = true });
}

/* Returns when the kernel knows all that a path to a file in the mount takes, and every RELEASE has
 * been received. */
static void know(const char *path)
{
    assert_false(exists("mnt/nothing by this name"));
    stat_of("mnt");
    stat_of(path);
}

static void assert_mtime_follows(struct coprocess *client)
{
    char name[] = "file";

    assert_true(coprocess_await_turn(client));
    for (int i = 0; i < 3; i++) {
        struct timespec before = stat_of("store/file").st_mtim;
        mtime_alone("mnt/file");
        next_tick();
        assert_true(coprocess_give_turn(client));
        assert_true(coprocess_await_turn(client));
        assert_true(compare_times(stat_of("store/file").st_mtim, before) > 0);
        await_mtime(name);
    }
}

static const char *const points[] = { "after-read", "before-execution", "before-record",
                                      "after-record", "after-reply" };
enum { POINTS = sizeof(points) / sizeof(points[0]) };

/* The worker dies while it opens, or just afterwards: who takes over tells the kernel. */
static void open_and_die(const struct workspace *workspace, struct writer *writer)
{
    pid_t keeper = start_with_crashpoints(workspace);
    struct coprocess client;

    for (int i = 0; i < POINTS; i++) {
        if (writer->flags & O_CREAT)
            assert_false(exists("mnt/file"));
        else
            assert_ok(close(new_file("mnt/file", SIZE)));
        know(writer->flags & O_CREAT ? "mnt" : "mnt/file");
        pid_t worker = keeper_worker(keeper);
        arm_point(points[i]);
        assert_int_equal(coprocess_start(&client, write_in_turns, writer), 0);
        await_stop(worker);
        kill_and_wait(worker);
        assert_mtime_follows(&client);
        assert_coprocess_succeeds(&client);
        assert_ok(unlink("mnt/file"));
        keeper_standby(keeper);
    }
    keeper_stop(workspace, keeper);
}

static void death_while_opening_leaves_nothing_stale(void **state)
{
    open_and_die(workspace_of(state), &(struct writer){ "mnt/file", O_RDWR });
    open_and_die(workspace_of(state), &(struct writer){ "mnt/file", O_RDWR | O_TRUNC });
}

static void death_while_creating_leaves_nothing_stale(void **state)
{
    open_and_die(workspace_of(state), &(struct writer){ "mnt/file", O_RDWR | O_CREAT });
}

/* Whenever it dies after the open: the kernel has been told, or will be. */
static void death_after_opening_leaves_nothing_stale(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct writer writer = { "mnt/file", O_RDWR };
    pid_t keeper = start_with_crashpoints(workspace);
    struct coprocess client;

    for (int i = 0; i < ROUNDS; i++) {
        assert_ok(close(new_file("mnt/file", SIZE)));
        know("mnt/file");
        pid_t worker = keeper_worker(keeper);
        int fd = open_file("mnt/file", O_RDWR);
        kill_and_wait(worker);
        assert_int_equal(coprocess_start(&client, write_in_turns, &writer), 0);
        assert_mtime_follows(&client);
        assert_coprocess_succeeds(&client);
        assert_ok(close(fd));
        assert_ok(unlink("mnt/file"));
        keeper_standby(keeper);
    }
    keeper_stop(workspace, keeper);
}

static int open_once(struct coprocess *parent, void *argument)
{
    const struct writer *writer = argument;
    int fd = open(writer->path, writer->flags | O_CLOEXEC);

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
        struct writer writer = { path, O_RDWR };
        // Each has its own, which stays: there is nothing to forget.
        snprintf(path, sizeof(path), "mnt/file%d", i);
        assert_ok(close(new_file(path, SIZE)));
        know(path);
        arm_point("after-read");
        assert_int_equal(coprocess_start(&client, open_once, &writer), 0);
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
    know("mnt/file");
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
        harness_skip_case("no tracefs: requests cannot be counted");
    print_message("%u of OPEN, %u of GETATTR\n", opens, asked);
    assert_int_equal(opens, OPENS);
    assert_true(asked < opens);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(mapped_write_is_seen_by_every_question),
    cmocka_unit_test(mapped_write_to_a_new_file_is_seen),
    cmocka_unit_test(mapped_write_before_the_close_is_seen),
    cmocka_unit_test(death_while_opening_leaves_nothing_stale),
    cmocka_unit_test(death_while_creating_leaves_nothing_stale),
    cmocka_unit_test(death_after_opening_leaves_nothing_stale),
    cmocka_unit_test(open_of_a_known_file_is_one_request),
    cmocka_unit_test(opens_ask_for_fewer_attributes_than_there_are_opens),
};

WORKSPACE_MAIN("pending_invalidation", cases)
