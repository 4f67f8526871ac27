// SPDX-License-Identifier: BSD-2-Clause
// Scratch directories, while the processes of the mount die and change.
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/upgrade.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* The points that a first look passes: two as any request, and two of its own. */
enum { LOOKS = POINT_OF_EXECUTION + 2 };

/* Calls change none of what they are given. */
static void *words_of(const char *text)
{
    return (void *)(uintptr_t)text;
}

static int give_class(void *word)
{
    return set_class("mnt/scratch", word);
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

static int promote(void *argument)
{
    return argument
               ? rename("mnt/scratch/file", "mnt/file")
               : renameat2(AT_FDCWD, "mnt/scratch/file", AT_FDCWD, "mnt/file", RENAME_NOREPLACE);
}

static int demote(void *argument)
{
    (void)argument;
    return rename("mnt/file", "mnt/scratch/file");
}

static char yes[] = "yes";

static void classes_change_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);

    assert_ok(mkdir("mnt/scratch", 0751));
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        call_and_die(keeper, i, give_class, words_of("scratch"));
        assert_class("mnt/scratch", "scratch");
        assert_int_equal(stat_of("mnt/scratch").st_mode & 07777, 0751);
        put_file("mnt/scratch/file", "contents");
        assert_content("mnt/scratch/file", "contents");
        assert_ok(unlink("mnt/scratch/file"));
        call_and_die(keeper, i, give_class, words_of("persist"));
        assert_class("mnt/scratch", "persist");
        assert_ok(give_class(words_of("scratch")));
        call_and_die(keeper, i, remove_directory, words_of("mnt/scratch"));
        assert_ok(mkdir("mnt/scratch", 0751));
        assert_class("mnt/scratch", "persist");
    }
    keeper_stop(workspace, keeper);
}

/* The first look at a directory makes its contents: before that, and on the way. */
static void looks_are_repeated(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[64];

    pid_t keeper = keeper_start_with_crashpoints(workspace, true);
    for (unsigned i = 0; i < LOOKS; i++) {
        snprintf(path, sizeof(path), "mnt/%u", i);
        make_class_root(path, "scratch");
    }
    keeper_stop(workspace, keeper);
    keeper = keeper_start_with_crashpoints(workspace, true);
    for (unsigned i = 0; i < LOOKS; i++) {
        snprintf(path, sizeof(path), "mnt/%u", i);
        if (i < POINT_OF_EXECUTION)
            call_and_die(keeper, i, look, path);
        else
            call_and_die_at(keeper, "in-area", i - POINT_OF_EXECUTION, look, path);
        assert_class(path, "scratch");
    }
    keeper_stop(workspace, keeper);
}

/* The file keeps its descriptor and its mapping, and what it is by then is what fsync waits for. */
static void a_file_crosses_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = keeper_start_with_crashpoints(workspace, true);

    make_class_root("mnt/scratch", "scratch");
    int fd = new_file("mnt/scratch/file", 4096);
    char *bytes = map_shared(fd, 4096);
    for (unsigned i = 0; i < CRASHPOINTS; i++) {
        if (i % 2)
            put_file("mnt/file", "replaced");
        bytes[i] = (char)('a' + i);
        call_and_die(keeper, i, promote, i % 2 ? yes : NULL);
        assert_class("mnt/file", "persist");
        assert_false(exists("mnt/scratch/file"));
        bytes[100 + i] = 'p';
        assert_ok(fsync(fd));
        assert_int_equal(stat_of("mnt/file").st_ino, fstat_of(fd).st_ino);
        call_and_die(keeper, i, demote, NULL);
        assert_class("mnt/scratch/file", "scratch");
        assert_false(exists("mnt/file"));
    }
    assert_ok(promote(NULL));
    assert_ok(msync(bytes, 4096, MS_SYNC));
    assert_true(all_bytes(bytes + 100, CRASHPOINTS, 'p'));
    unmap(bytes, 4096);
    assert_ok(close(fd));
    keeper_stop(workspace, keeper);
    fd = open_file("store/file", O_RDONLY);
    char found[CRASHPOINTS];
    assert_int_equal(pread(fd, found, CRASHPOINTS, 0), CRASHPOINTS);
    for (unsigned i = 0; i < CRASHPOINTS; i++)
        assert_int_equal(found[i], 'a' + (int)i);
    assert_ok(close(fd));
}

static void another_binary_goes_on(void **state)
{
    struct workspace *workspace = workspace_of(state);
    pid_t keeper = start_upgradable(workspace);

    make_class_root("mnt/scratch", "scratch");
    put_file("mnt/scratch/file", "contents");
    int fd = open_file("mnt/scratch/file", O_RDWR);
    char *bytes = map_shared(fd, 8);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_version(workspace, "next");
    bytes[0] = 'C';
    assert_ok(promote(NULL));
    assert_ok(kill(keeper_worker(keeper), SIGKILL));
    bytes[1] = 'O';
    put_file("mnt/scratch/second", "gone");
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS")));
    assert_content("mnt/file", "COntents");
    assert_class("mnt/file", "persist");
    assert_content("mnt/scratch/second", "gone");
    unmap(bytes, 8);
    assert_ok(close(fd));
    keeper_stop(workspace, keeper);
    assert_content("store/file", "COntents");
    assert_false(exists("store/.shmapfs/scratch"));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(classes_change_once),
    cmocka_unit_test(looks_are_repeated),
    cmocka_unit_test(a_file_crosses_once),
    cmocka_unit_test(another_binary_goes_on),
};

WORKSPACE_MAIN("scratch_deaths", cases)
