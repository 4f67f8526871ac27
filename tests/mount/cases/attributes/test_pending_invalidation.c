// SPDX-License-Identifier: BSD-2-Clause
/*
 * When the kernel hears that attributes which it keeps may change unseen: some milliseconds after
 * an open for writing, whatever happens to the worker meanwhile. stat(2) tells the truth at once;
 * asked for alone (statx(2)), a time may be what the kernel has kept, but not for long.
 */
#include "tests/mount/cases/attributes/kept_attributes.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/keeper.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 64 << 10, ROUNDS = 10 };

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
        make_known(writer->flags & O_CREAT ? "mnt" : "mnt/file");
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
        make_known("mnt/file");
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

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(mapped_write_is_seen_by_every_question),
    cmocka_unit_test(mapped_write_to_a_new_file_is_seen),
    cmocka_unit_test(mapped_write_before_the_close_is_seen),
    cmocka_unit_test(death_while_opening_leaves_nothing_stale),
    cmocka_unit_test(death_while_creating_leaves_nothing_stale),
    cmocka_unit_test(death_after_opening_leaves_nothing_stale),
};

WORKSPACE_MAIN("pending_invalidation", cases)
