// SPDX-License-Identifier: BSD-2-Clause
/* RAM areas that directories have for themselves, while the processes of the mount die and change.
 */
#include "tests/mount/cases/space/own_area.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { KIB = 1 << 10, MIB = 1 << 20, AREAS_MOST = 100 };

/* How often a request that makes an area passes the point «in-area». */
enum { POINTS_OF_MAKING = 3 };

/* Calls change none of what they are given. */
static void *words_of(const char *text)
{
    return (void *)(uintptr_t)text;
}

static int limit(void *words)
{
    return set_class("mnt/a", words);
}

static int change(void *words)
{
    return set_area("mnt/a", words);
}

static int look(void *path)
{
    struct stat st;

    return stat(path, &st);
}

static int remove_directory(void *path)
{
    return rmdir(path);
}

static void call_and_die_in_area(pid_t keeper, unsigned pass, int (*make)(void *), void *argument)
{
    call_and_die_at(keeper, "in-area", pass, make, argument);
}

static void assert_good(const struct workspace *workspace, const char *words, uint64_t bytes)
{
    assert_class("mnt/a", "anon");
    assert_area("mnt/a", words);
    assert_limit("mnt/a", bytes);
    assert_int_equal(count_areas(workspace), 1);
    put_file("mnt/a/file", "contents");
    assert_content("mnt/a/file", "contents");
    assert_ok(unlink("mnt/a/file"));
}

static void each_change_happens_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);

    assert_ok(mkdir("mnt/a", 0755));
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, limit, words_of("anon,size=1m"));
        assert_good(workspace, "size=1m", MIB);
        call_and_die(keeper, i, change, words_of("size=2m"));
        assert_good(workspace, "size=2m", 2 * MIB);
        call_and_die(keeper, i, limit, words_of("persist"));
        assert_class("mnt/a", "persist");
        assert_int_equal(count_areas(workspace), 0);
        assert_ok(set_class("mnt/a", "anon"));
        call_and_die(keeper, i, change, words_of("size=3m"));
        assert_good(workspace, "size=3m", 3 * MIB);
        call_and_die(keeper, i, remove_directory, words_of("mnt/a"));
        assert_int_equal(count_areas(workspace), 0);
        assert_ok(mkdir("mnt/a", 0755));
        assert_class("mnt/a", "persist");
    }
    keeper_stop(workspace, keeper);
}

static void each_step_of_a_change_is_repeated(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);

    assert_ok(mkdir("mnt/a", 0755));
    for (unsigned i = 0; i < POINTS_OF_MAKING; i++) {
        call_and_die_in_area(keeper, i, limit, words_of("anon,size=1m"));
        assert_good(workspace, "size=1m", MIB);
        call_and_die_in_area(keeper, 0, change, words_of("size=2m"));
        assert_good(workspace, "size=2m", 2 * MIB);
        assert_ok(set_class("mnt/a", "persist"));
    }
    keeper_stop(workspace, keeper);
}

/* The first look at a directory makes the area that it had in the mount before. */
static void looks_are_repeated(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "mnt/%u", i);
        make_limited(path, "size=1m");
    }
    keeper_stop(workspace, keeper);
    keeper = keeper_start_with_crashpoints(workspace, true);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "mnt/%u", i);
        call_and_die_in_area(keeper, i, look, path);
        assert_limit(path, MIB);
        assert_int_equal(count_areas(workspace), i + 1);
    }
    keeper_stop(workspace, keeper);
}

/* All places are taken, so that the next area takes that of one that has gone. */
static void areas_that_go_are_closed_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
    for (int i = 1; i < AREAS_MOST; i++) {
        snprintf(path, sizeof(path), "mnt/%d", i);
        make_limited(path, "size=1m");
    }
    assert_ok(mkdir("mnt/a", 0755));
    assert_ok(set_class("mnt/a", "anon,size=1m"));
    unsigned descriptors = descriptors_of(keeper);
    for (unsigned i = 0; i <= POINTS_OF_MAKING; i++) {
        assert_ok(rmdir("mnt/1"));
        assert_ok(set_class("mnt/a", "persist"));
        call_and_die_in_area(keeper, i, limit, words_of("anon,size=3m"));
        assert_limit("mnt/a", 3 * MIB);
        assert_int_equal(count_areas(workspace), AREAS_MOST - 1);
        make_limited("mnt/1", "size=1m");
        assert_int_equal(count_areas(workspace), AREAS_MOST);
    }
    // The descriptors that a dead worker had in hand are closed.
    assert_in_range(descriptors_of(keeper), descriptors - 9, descriptors + 9);
    keeper_stop(workspace, keeper);
}

/* A file in use and its limit survive. */
static void assert_in_use(int fd, char *mapping)
{
    char byte;

    mapping[0] ^= 1;
    assert_int_equal(pread(fd, &byte, 1, 0), 1);
    assert_int_equal(byte, mapping[0]);
    assert_limit("mnt/a", MIB);
    assert_area("mnt/a", "size=1m,huge=never");
    assert_true(fill_up("mnt/a/full") == MIB - 4 * KIB);
    assert_ok(unlink("mnt/a/full"));
}

static void contents_survive(void **state)
{
    struct workspace *workspace = workspace_of(state);

    pid_t keeper = start_upgradable(workspace);
    make_limited("mnt/a", "size=1m,huge=never");
    int fd = open_file("mnt/a/file", O_RDWR | O_CREAT);
    assert_ok(ftruncate(fd, 4 * KIB));
    char *mapping = map_shared(fd, 4 * KIB);
    memset(mapping, 'x', 4 * KIB);
    assert_ok(fsync(fd));
    assert_in_use(fd, mapping);
    kill_and_wait(keeper_worker(keeper));
    assert_in_use(fd, mapping);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_version(workspace, "next");
    assert_in_use(fd, mapping);
    assert_ok(set_area("mnt/a", "size=2m"));
    assert_limit("mnt/a", 2 * MIB);
    make_limited("mnt/b", "size=3m");
    kill_and_wait(keeper_worker(keeper));
    assert_limit("mnt/a", 2 * MIB);
    assert_limit("mnt/b", 3 * MIB);
    unmap(mapping, 4 * KIB);
    assert_ok(close(fd));
    keeper_stop(workspace, keeper);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(each_change_happens_once),
        cmocka_unit_test(each_step_of_a_change_is_repeated),
        cmocka_unit_test(looks_are_repeated),
        cmocka_unit_test(areas_that_go_are_closed_once),
        cmocka_unit_test(contents_survive),
    };

    return workspace_main(argc, argv, "own area deaths", cases, sizeof(cases) / sizeof(cases[0]));
}
