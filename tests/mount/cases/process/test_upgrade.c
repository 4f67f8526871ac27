// SPDX-License-Identifier: BSD-2-Clause
/*
 * Another binary serves a mount: what it takes over, and which binaries are refused. Upgrades under
 * every kind of load are in test_survive; those that a service manager asks for, in test_takeover.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/upgrade.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/api/shmap.h"

enum { ENTRIES = 300 };

/* The files, locks and mappings in use while the binary changes. */
struct used_files {
    int fd, nameless, lock;
    char *mapping, *private;
    DIR *stream;
    unsigned seen;
};

static void take_into_use(struct used_files *used)
{
    char path[64];

    put_file("mnt/file", "contents");
    used->fd = open_file("mnt/file", O_RDWR);
    used->mapping = map_shared(used->fd, 8);
    used->private = map_fd(used->fd, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    used->private[0] = 'P';
    used->lock = open_file("mnt/lock", O_RDWR | O_CREAT);
    assert_ok(flock(used->lock, LOCK_EX));
    used->nameless = open_file("mnt/nameless", O_RDWR | O_CREAT);
    assert_ok(unlink("mnt/nameless"));
    assert_int_equal(pwrite(used->nameless, "unlinked", 8, 0), 8);
    assert_ok(mkdir("mnt/directory", 0755));
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(path, sizeof(path), "mnt/directory/%d", i);
        put_file(path, "");
    }
    used->stream = opendir("mnt/directory");
    assert_non_null(used->stream);
    used->seen = 0;
    for (int i = 0; i < 5; i++) {
        struct dirent *entry = readdir(used->stream);
        assert_non_null(entry);
        used->seen += entry->d_name[0] != '.';
    }
}

static void assert_kept(struct used_files *used)
{
    char bytes[8];
    struct dirent *entry;

    used->mapping[0] = 'M';
    assert_int_equal(pwrite(used->fd, "W", 1, 7), 1);
    assert_int_equal(used->mapping[7], 'W');
    assert_content("mnt/file", "MontentW");
    assert_memory_equal(used->private, "P", 1);
    assert_ok(fsync(used->fd));
    assert_int_equal(pread(used->nameless, bytes, 8, 0), 8);
    assert_memory_equal(bytes, "unlinked", 8);
    assert_int_equal(fstat_of(used->nameless).st_nlink, 0);
    int other = open_file("mnt/lock", O_RDWR);
    assert_errno(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(flock(used->lock, LOCK_UN));
    assert_ok(flock(other, LOCK_EX | LOCK_NB));
    assert_ok(close(other));
    while ((entry = readdir(used->stream)) != NULL)
        used->seen += entry->d_name[0] != '.';
    assert_int_equal(used->seen, ENTRIES);
}

static void stop_using(struct used_files *used)
{
    assert_int_equal(closedir(used->stream), 0);
    unmap(used->mapping, 8);
    unmap(used->private, 8);
    assert_ok(close(used->lock));
    assert_ok(close(used->nameless));
    assert_ok(close(used->fd));
}

static bool store_is_locked(const struct workspace *workspace)
{
    char path[PATH_MAX + 16];

    snprintf(path, sizeof(path), "%s/.shmapfs/lock", workspace->store);
    int fd = open_file(path, O_RDWR);
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == -1;
    assert_ok(close(fd));
    return locked;
}

static void store_stays_locked(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
    assert_true(store_is_locked(workspace));
    for (int round = 0; round < 2; round++) {
        assert_ok(upgrade_mount(workspace, binary_in(round ? "SHMAPFS" : "SHMAPFS_NEXT")));
        assert_true(store_is_locked(workspace));
        assert_ok(kill(keeper_worker(keeper), SIGKILL));
        assert_version(workspace, round ? shmap_status_of(workspace).version : "next");
        assert_true(store_is_locked(workspace));
    }
    keeper_stop(workspace, keeper);
    assert_false(store_is_locked(workspace));
}

static void next_version_keeps_what_is_in_use(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct used_files used;

    pid_t keeper = start_upgradable(workspace);
    struct shmap_status before = shmap_status_of(workspace);
    take_into_use(&used);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    struct shmap_status after = shmap_status_of(workspace);
    assert_string_equal(after.version, "next");
    assert_string_not_equal(before.version, "next");
    assert_int_equal(after.upgrades, 1);
    assert_int_equal(after.restarts, 0);
    assert_int_equal(after.keeper, keeper);
    assert_int_not_equal(after.pid, before.pid);
    assert_kept(&used);
    stop_using(&used);
    keeper_stop(workspace, keeper);
    assert_content("store/file", "MontentW");
}

/* After a refusal the same worker serves, and nothing has changed. */
static void assert_refuses(const struct workspace *workspace, const char *binary, int error,
                           const char *why)
{
    struct shmap_status before = shmap_status_of(workspace);
    struct used_files used;

    take_into_use(&used);
    assert_int_equal(upgrade_mount(workspace, binary), -1);
    if (errno != error)
        fail_msg("upgrade to %s: %s", binary, strerror(errno));
    struct shmap_status after = shmap_status_of(workspace);
    assert_int_equal(after.pid, before.pid);
    assert_int_equal(after.upgrades, before.upgrades);
    assert_int_equal(after.restarts, before.restarts);
    assert_string_equal(after.version, before.version);
    if (why != NULL && strstr(after.upgrade_error, why) == NULL)
        fail_msg("upgrade to %s: %s", binary, after.upgrade_error);
    assert_kept(&used);
    stop_using(&used);
    struct program_result result =
        run_program("rm", "-r", "mnt/directory", "mnt/file", "mnt/lock", NULL);
    assert_done(&result);
}

static void refused_binaries(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX + 32];

    pid_t keeper = start_upgradable(workspace);
    assert_refuses(workspace, binary_in("SHMAPFS_ALIEN"), EPROTO, "layout");
    assert_refuses(workspace, "/bin/true", EPROTO, "is it shmapfs");
    assert_refuses(workspace, "/bin/false", EPROTO, "is it shmapfs");
    assert_refuses(workspace, "/nonexistent/shmapfs", ENOENT, NULL);
    assert_refuses(workspace, "bin/true", EINVAL, NULL);
    assert_refuses(workspace, "mnt", EINVAL, NULL);
    put_file("plain", "not to be executed");
    snprintf(path, sizeof(path), "%s/plain", workspace->dir);
    assert_refuses(workspace, path, EACCES, NULL);
    assert_ok(chmod("plain", 0755));
    assert_refuses(workspace, path, ENOEXEC, NULL);
    assert_refuses(workspace, workspace->dir, EACCES, NULL);
    put_script("script", "#!/bin/sh\necho why not\nexit 65\n");
    snprintf(path, sizeof(path), "%s/script", workspace->dir);
    assert_refuses(workspace, path, EPROTO, "why not");
    put_script("script", "#!/bin/sh\necho shmapfs goes on\n");
    assert_refuses(workspace, path, EPROTO, "is it shmapfs");
    // One that dies in the middle of its consent.
    put_script("script", "#!/bin/sh\necho shmapfs goes on\nkill -9 $$\n");
    assert_refuses(workspace, path, EPROTO, "is it shmapfs");
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_string_equal(shmap_status_of(workspace).upgrade_error, "");
    keeper_stop(workspace, keeper);
}

static void binary_on_the_mount_itself(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX + 32];

    pid_t keeper = start_upgradable(workspace);
    copy_program(shmapfs(), "mnt/shmapfs");
    snprintf(path, sizeof(path), "%s/shmapfs", workspace->mnt);
    assert_refuses(workspace, path, EPROTO, "on the mount itself");
    keeper_stop(workspace, keeper);
}

/* It gives the word of a shmapfs that it asks, and then does not go on: nobody can save the mount
 * then, but nobody must wait for it either. */
static void liar_leaves_nobody_waiting(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX + 32], script[PATH_MAX + 64];
    struct stat attr;

    pid_t keeper = start_upgradable(workspace);
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDWR);
    snprintf(script, sizeof(script), "#!/bin/sh\n[ \"$1\" != --resume-check ] || exec %s \"$@\"\n",
             binary_in("SHMAPFS_NEXT"));
    put_script("liar", script);
    snprintf(path, sizeof(path), "%s/liar", workspace->dir);
    assert_int_equal(upgrade_mount(workspace, path), -1);
    assert_true(errno == ENOTCONN || errno == ECONNABORTED);
    assert_int_equal(wait_for_process(keeper), 0);
    // The kernel may go on to tell what it knows of a file.
    assert_errno(stat("mnt/never-seen", &attr), ENOTCONN);
    assert_errno(fsync(fd), ENOTCONN);
    assert_ok(close(fd));
    assert_int_equal(workspace_await_children(), 0);
    // The next one that mounts there takes it away.
    struct program_result result = workspace_try_mount(workspace, true, "takeover");
    assert_int_equal(result.status, 0);
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

static void without_a_keeper(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "nokeeper");
    struct shmap_status before = shmap_status_of(workspace);
    assert_errno(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")), EOPNOTSUPP);
    assert_errno(upgrade_mount(workspace, ""), EOPNOTSUPP);
    assert_int_equal(shmap_status_of(workspace).pid, before.pid);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(next_version_keeps_what_is_in_use),
    cmocka_unit_test(store_stays_locked),
    cmocka_unit_test(refused_binaries),
    cmocka_unit_test(binary_on_the_mount_itself),
    cmocka_unit_test(liar_leaves_nobody_waiting),
    cmocka_unit_test(without_a_keeper),
};

WORKSPACE_MAIN("upgrade", cases)
