// SPDX-License-Identifier: BSD-2-Clause
/*
 * Listings that the kernel keeps: without the daemon, over its death, and not where somebody
 * changes the store behind the mount.
 */
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/kernel.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/workspace/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MANY = 1500, LITTLE = 512, CALLS_OF_A_LIFE = 25 };

static pid_t start_with_options(const struct workspace *workspace, bool with_store,
                                const char *options)
{
    return keeper_start(workspace,
                        &(struct keeper_settings){ .with_store = with_store, .options = options });
}

static void make_names(int count)
{
    char path[64];

    assert_ok(mkdir("mnt/directory", 0755));
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "mnt/directory/name%d", i);
        assert_ok(mknod(path, S_IFREG | 0644, 0));
    }
}

/* Reads on with a small buffer and counts names; 0: there are no more. */
static int read_on(int fd, unsigned char counts[MANY])
{
    _Alignas(struct dirent64) char buffer[LITTLE];
    long length = getdents64(fd, buffer, sizeof(buffer));

    assert_ok(length);
    for (long at = 0; at < length;) {
        const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);
        int number;
        if (sscanf(entry->d_name, "name%d", &number) == 1) {
            assert_in_range(number, 0, MANY - 1);
            counts[number]++;
        }
        at += entry->d_reclen;
    }
    return length > 0;
}

static void assert_each_once(const unsigned char counts[MANY])
{
    for (int i = 0; i < MANY; i++)
        if (counts[i] != 1)
            fail_msg("name%d came %d times", i, counts[i]);
}

static int count_names(const char *path)
{
    DIR *directory = opendir(path);
    int count = -2;

    if (directory == NULL)
        return -1;
    while (readdir(directory) != NULL)
        count++;
    return closedir(directory) == 0 ? count : -1;
}

static int list_in_peer(struct coprocess *parent, void *argument)
{
    (void)parent;
    coprocess_check(count_names("mnt/directory") == *(int *)argument);
    return 0;
}

/* The kernel asks for nothing that was listed before, not even for the handle of a directory. */
static void listing_needs_no_daemon(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int count = 100;

    if (!workspace->root)
        return; // A user's daemon is asked for a handle each time.
    if (!kernel_is_at_least(6, 12))
        harness_skip_case("this kernel's tmpfs has no positions that hold (Linux 6.14 has, and "
                          "Debian's 6.12)");
    pid_t keeper = start_with_options(workspace, true, NULL);
    make_names(count);
    // The first time changes the access time; the second one is told of that.
    for (int i = 0; i < 3; i++)
        assert_int_equal(count_names("mnt/directory"), count);
    pid_t worker = keeper_worker(keeper);
    stop_process(worker);
    int status = coprocess_run(list_in_peer, &count);
    assert_ok(kill(worker, SIGCONT));
    assert_int_equal(status, 0);
    keeper_stop(workspace, keeper);
}

static void list_over_deaths(const struct workspace *workspace, bool with_store,
                             const char *options)
{
    unsigned char counts[MANY] = { 0 };
    pid_t keeper = start_with_options(workspace, with_store, options);
    int calls = 0, deaths = 0;

    make_names(MANY);
    int fd = open_file("mnt/directory", O_RDONLY | O_DIRECTORY);
    while (read_on(fd, counts)) {
        if (++calls % CALLS_OF_A_LIFE == 0 && deaths < 3) {
            kill_and_wait(keeper_worker(keeper));
            keeper_standby(keeper);
            deaths++;
        }
    }
    assert_int_equal(deaths, 3);
    assert_each_once(counts);
    // And once more from the beginning, by whatever it is then.
    memset(counts, 0, sizeof(counts));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    while (read_on(fd, counts))
        continue;
    assert_each_once(counts);
    assert_ok(close(fd));
    keeper_stop(workspace, keeper);
}

static void listing_outlives_workers(void **state)
{
    list_over_deaths(workspace_of(state), false, NULL);
    list_over_deaths(workspace_of(state), true, NULL);
}

static void listing_that_is_not_kept_outlives_workers(void **state)
{
    list_over_deaths(workspace_of(state), true, "timeout=0");
}

/* Without opening it anew, or asking for its times, which would tell the kernel that something has
 * changed. */
static bool lists_name(int fd, const char *name)
{
    _Alignas(struct dirent64) char buffer[4096];
    bool found = false;
    long length;

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    while ((length = getdents64(fd, buffer, sizeof(buffer))) > 0)
        for (long at = 0; at < length;) {
            const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);
            found = found || strcmp(entry->d_name, name) == 0;
            at += entry->d_reclen;
        }
    assert_ok(length);
    return found;
}

/* A mount that lets names expire soon keeps no listings. */
static void changes_behind_the_mount_are_seen(void **state)
{
    static const char *const options[] = { "timeout=0", "timeout=1" };
    struct workspace *workspace = workspace_of(state);

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        workspace_mount(workspace, true, options[i]);
        assert_ok(mkdir("mnt/directory", 0777));
        int fd = open_file("mnt/directory", O_RDONLY | O_DIRECTORY);
        for (int round = 0; round < 20; round++) {
            assert_false(lists_name(fd, "file"));
            assert_int_equal(count_names("mnt/directory"), 0);
            put_file("store/directory/file", "");
            assert_true(lists_name(fd, "file"));
            assert_int_equal(count_names("mnt/directory"), 1);
            assert_ok(unlink("store/directory/file"));
        }
        assert_ok(close(fd));
        assert_ok(rmdir("mnt/directory"));
        workspace_unmount(workspace);
    }
}

/* Changing the class changes which directory it is. */
static void class_change_is_seen(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "");
    assert_ok(mkdir("mnt/directory", 0755));
    for (int round = 0; round < 3; round++) {
        assert_int_equal(count_names("mnt/directory"), 0);
        assert_int_equal(count_names("mnt/directory"), 0);
        assert_ok(set_class("mnt/directory", round % 2 == 0 ? "anon" : "persist"));
        assert_int_equal(count_names("mnt/directory"), 0);
        put_file("mnt/directory/file", "");
        assert_int_equal(count_names("mnt/directory"), 1);
        assert_int_equal(count_names("mnt/directory"), 1);
        assert_int_equal(count_names("store/directory"), round % 2);
        assert_ok(unlink("mnt/directory/file"));
    }
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(listing_needs_no_daemon),
    cmocka_unit_test(listing_outlives_workers),
    cmocka_unit_test(listing_that_is_not_kept_outlives_workers),
    cmocka_unit_test(changes_behind_the_mount_are_seen),
    cmocka_unit_test(class_change_is_seen),
};

WORKSPACE_MAIN("readdir_policy", cases)
