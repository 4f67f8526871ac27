// SPDX-License-Identifier: BSD-2-Clause
// shmapctl sync: what anybody has written is on the disk when it returns. Nobody else waits.
#include "tests/mount/cases/contents/disk.h"
#include "tests/mount/cases/mounting/unwritten.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/workspace/workspace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/shmap.h"
#include "lib/sys/mounts.h"

enum { LENGTH = 4 << 20, CLIENTS = 24 };

static void sync_by_command(const struct workspace *workspace)
{
    struct program_result result = run_program(shmapctl(), "sync", workspace->mnt, NULL);

    assert_done(&result);
    assert_string_equal(result.out, "");
}

/* Changes all of a file through a new mapping, which stays; the descriptor does not. */
static char *map_and_change(const char *path, char byte)
{
    assert_ok(close(new_file(path, LENGTH)));
    char *mapping = map_path(path, LENGTH);
    assert_non_null(mapping);
    memset(mapping, byte, LENGTH);
    return mapping;
}

static void what_was_written_in_any_way(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    for (int i = 0; i < 3; i++) {
        put_file("mnt/written", "contents");
        int fd = open_file("mnt/open", O_RDWR | O_CREAT);
        assert_int_equal(pwrite(fd, "contents", 8, LENGTH), 8);
        char *mapping = map_and_change("mnt/mapped", (char)('a' + i));
        sync_by_command(workspace);
        assert_int_equal(unwritten_pages("store/written"), 0);
        assert_int_equal(unwritten_pages("store/open"), 0);
        assert_int_equal(unwritten_pages("store/mapped"), 0);
        char *stored = map_path("store/mapped", LENGTH);
        assert_non_null(stored);
        assert_true(all_bytes(stored, LENGTH, (char)('a' + i)));
        unmap(stored, LENGTH);
        unmap(mapping, LENGTH);
        assert_ok(close(fd));
        assert_ok(unlink("mnt/mapped"));
    }
    workspace_unmount(workspace);
}

static void whatever_has_become_of_its_name(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/directory", 0755));
    char *moved = map_and_change("mnt/moved", 'm');
    char *linked = map_and_change("mnt/linked", 'l');
    char *gone = map_and_change("mnt/gone", 'g');
    assert_ok(rename("mnt/moved", "mnt/directory/moved (deleted)"));
    assert_ok(link("mnt/linked", "mnt/directory/other"));
    assert_ok(unlink("mnt/linked"));
    assert_ok(unlink("mnt/gone"));
    sync_by_command(workspace);
    assert_int_equal(unwritten_pages("store/directory/moved (deleted)"), 0);
    assert_int_equal(unwritten_pages("store/directory/other"), 0);
    char *stored = map_path("store/directory/other", LENGTH);
    assert_non_null(stored);
    assert_true(all_bytes(stored, LENGTH, 'l'));
    unmap(stored, LENGTH);
    unmap(moved, LENGTH);
    unmap(linked, LENGTH);
    unmap(gone, LENGTH);
    workspace_unmount(workspace);
}

/* Takes mounts away that were there before: they are not the case's to sync, and may hang. */
static void take_others_away(void)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();

    while (mounts_next(&mounts)) {
        if (strcmp(mounts.type, MOUNTS_TYPE) == 0)
            umount2(mounts.directory, MNT_DETACH);
    }
}

static void all_mounts_in_reach(void **state)
{
    struct workspace *workspace = workspace_of(state);

    take_others_away();
    workspace_mount(workspace, true, "");
    char *mapping = map_and_change("mnt/mapped", 'a');
    struct program_result result = run_program(shmapctl(), "--json", "sync", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, workspace->mnt));
    assert_int_equal(unwritten_pages("store/mapped"), 0);
    unmap(mapping, LENGTH);
    workspace_unmount(workspace);
}

/* Reading needs no store, and a mount that is only read none that could be written to. */
static void with_nothing_to_be_written(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    put_file("mnt/file", "contents");
    sync_by_command(workspace);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "ro");
    sync_by_command(workspace);
    workspace_unmount(workspace);
}

static void mistakes_are_named(void **state)
{
    struct workspace *workspace = workspace_of(state);

    struct program_result result = run_program(shmapctl(), "sync", workspace->store, NULL);
    assert_refused(&result, 1, "not a shmapfs mount", NULL);
    workspace_mount(workspace, true, "");
    put_file("mnt/file", "contents");
    result = run_program(shmapctl(), "sync", "mnt/file", NULL);
    assert_refused(&result, 1, "not its root", NULL);
    assert_errno(setxattr("mnt", SHMAP_XATTR_SYNC, "", 0, 0), EPERM);
    assert_errno(removexattr("mnt", SHMAP_XATTR_SYNC), ENODATA);
    // One mistake does not keep the others from it.
    result = run_program(shmapctl(), "--json", "sync", "missing", workspace->mnt, NULL);
    assert_int_equal(result.status, 1);
    assert_non_null(strstr(result.out, workspace->mnt));
    workspace_unmount(workspace);
}

static int sync_mount(void *path)
{
    return -shmap_sync(path);
}

static void anybody_may(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/private", 0700));
    char *mapping = map_and_change("mnt/private/mapped", 'p');
    assert_ok(chmod("mnt/private/mapped", 0));
    assert_int_equal(as(BOB, sync_mount, "mnt"), 0);
    assert_int_equal(unwritten_pages("store/private/mapped"), 0);
    unmap(mapping, LENGTH);
    workspace_unmount(workspace);
}

static int sync_when_told(struct coprocess *parent, void *argument)
{
    (void)argument;
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(shmap_sync("mnt") == 0);
    return 0;
}

static bool waits_for_an_answer(const struct coprocess *coprocess)
{
    char path[64];
    long number = -1;

    snprintf(path, sizeof(path), "/proc/%d/syscall", (int)coprocess->pid);
    FILE *file = fopen(path, "re");
    bool read = file != NULL && fscanf(file, "%ld", &number) == 1;
    if (file != NULL)
        fclose(file);
    return read && number == SYS_getxattr;
}

/* In a coprocess: an assertion would leave the disk frozen. */
static int use_what_is_in_memory(struct coprocess *parent, void *argument)
{
    const struct coprocess *syncs = argument;
    struct shmap_status status;
    char path[64];
    int waiting = 0;

    (void)parent;
    while (waiting < CLIENTS) {
        coprocess_check(shmap_status_get("mnt", &status) == 0);
        waiting = 0;
        while (waiting < CLIENTS && waits_for_an_answer(&syncs[waiting]))
            waiting++;
    }
    for (int i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "mnt/scratch/%d", i);
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        coprocess_check(fd != -1 && write(fd, "contents", 8) == 8 && close(fd) == 0);
    }
    return 0;
}

/* Freezes the disk while there is something to write. Without passthrough a sync waits then. */
static void freeze(struct coprocess *thawer, char *mapping)
{
    // A process that has it, too, could not end: the end of a mapping waits for what is written.
    assert_ok(madvise(mapping, LENGTH, MADV_DONTFORK));
    disk_freeze(thawer);
    mapping[0] = 'x';
}

static void a_disk_that_hangs_stops_nobody_else(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess thawer, syncs[CLIENTS];

    if (workspace->passthrough)
        return; // A frozen disk has nothing dirty that syncfs(2) would wait for.
    disk_make(workspace, 32, "", "");
    workspace_mount(workspace, true, "anon=scratch");
    char *mapping = map_and_change("mnt/mapped", 'a');
    sync_by_command(workspace);
    freeze(&thawer, mapping);
    int begun = 0;
    for (int i = 0; i < CLIENTS; i++)
        begun += coprocess_start(&syncs[i], sync_when_told, NULL) == 0 &&
                 coprocess_await_turn(&syncs[i]);
    int used = coprocess_run(use_what_is_in_memory, syncs);
    disk_thaw(&thawer);
    assert_int_equal(begun, CLIENTS);
    assert_int_equal(used, 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_coprocess_succeeds(&syncs[i]);
    assert_int_equal(unwritten_pages("store/mapped"), 0);
    assert_content("mnt/scratch/99", "contents");
    unmap(mapping, LENGTH);
    workspace_unmount(workspace);
    disk_remove(workspace);
}

/* In a coprocess, too. Requests are received in their order. */
static int await_receipt(struct coprocess *parent, void *sync)
{
    struct shmap_status status;

    (void)parent;
    while (!waits_for_an_answer(sync))
        coprocess_check(shmap_status_get("mnt", &status) == 0);
    coprocess_check(shmap_status_get("mnt", &status) == 0);
    return 0;
}

/* The next worker syncs anew. */
static void the_worker_may_die(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess thawer, sync;
    struct shmap_status status;

    disk_make(workspace, 32, "", "");
    workspace_mount(workspace, true, "anon=scratch");
    char *mapping = map_and_change("mnt/mapped", 'a');
    sync_by_command(workspace);
    assert_int_equal(shmap_status_get("mnt", &status), 0);
    // Through passthrough the write would wait, and not the sync.
    if (!workspace->passthrough)
        freeze(&thawer, mapping);
    bool begun = coprocess_start(&sync, sync_when_told, NULL) == 0 && coprocess_await_turn(&sync);
    bool received = workspace->passthrough || coprocess_run(await_receipt, &sync) == 0;
    bool killed = kill((pid_t)status.pid, SIGKILL) == 0;
    if (!workspace->passthrough)
        disk_thaw(&thawer);
    assert_true(begun && received && killed);
    assert_coprocess_succeeds(&sync);
    assert_int_equal(unwritten_pages("store/mapped"), 0);
    assert_int_equal(shmap_status_get("mnt", &status), 0);
    assert_int_equal(status.restarts, 1);
    unmap(mapping, LENGTH);
    // The child that synced is killed along with its worker, and has files of the mount until then.
    while (umount2(workspace->mnt, 0) != 0) {
        assert_int_equal(errno, EBUSY);
        sched_yield();
    }
    workspace_await_children();
    disk_remove(workspace);
}

/* Without a journal the filesystem goes on after an error. */
static void a_disk_that_fails_is_told(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char block[65536];

    disk_make(workspace, 16, "-O^has_journal", "");
    workspace_mount(workspace, true, "");
    int fd = new_file("mnt/file", 0);
    assert_int_equal(posix_fallocate(fd, 0, LENGTH), 0);
    assert_ok(fsync(fd));
    disk_break(workspace);
    memset(block, 'x', sizeof(block));
    for (int i = 0; i < 16; i++)
        assert_int_equal(pwrite(fd, block, sizeof(block), i * (off_t)sizeof(block)), sizeof(block));
    struct program_result result = run_program(shmapctl(), "sync", workspace->mnt, NULL);
    assert_refused(&result, 1, "not everything could be written", NULL);
    assert_ok(close(fd));
    disk_repair(workspace);
    assert_ok(umount2(workspace->mnt, 0));
    workspace_await_children(); // The daemon may well tell of the error by its status.
    disk_remove(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(what_was_written_in_any_way),
    cmocka_unit_test(whatever_has_become_of_its_name),
    cmocka_unit_test(with_nothing_to_be_written),
    cmocka_unit_test(mistakes_are_named),
    cmocka_unit_test(anybody_may), // and the rest, from root
    cmocka_unit_test(all_mounts_in_reach),
    cmocka_unit_test(a_disk_that_hangs_stops_nobody_else),
    cmocka_unit_test(a_disk_that_fails_is_told),
    cmocka_unit_test(the_worker_may_die),
};

ROOT_LAST_MAIN("sync", cases, 5)
