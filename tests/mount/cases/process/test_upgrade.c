// SPDX-License-Identifier: BSD-2-Clause
/*
 * Another binary serves a mount: what it takes over, who may ask for it, and what is refused. Upgrades under every kind of
 * load are in survive; those that a service manager asks for, in supervise.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/sandbox.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/load/event_count.h"
#include "tests/mount/load/load.h"

#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/shmap.h"

enum { UPGRADES = 50, CLIENTS = 3, ENTRIES = 300, STRANGER = 1000 };

static pid_t start(const struct workspace *workspace)
{
    return keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
}

static struct shmap_status status_of(const struct workspace *workspace)
{
    struct shmap_status status;

    assert_int_equal(shmap_status_get(workspace->mnt, &status), 0);
    return status;
}

/* The attribute that the mount's owner sets. */
static const char *attribute(const struct workspace *workspace)
{
    return workspace->root ? SHMAP_XATTR_UPGRADE_TRUSTED : SHMAP_XATTR_UPGRADE;
}

/* -1 and errno, as setxattr(2). */
static int upgrade(const struct workspace *workspace, const char *binary)
{
    return setxattr(workspace->mnt, attribute(workspace), binary, strlen(binary), 0);
}

static void assert_version(const struct workspace *workspace, const char *version)
{
    struct shmap_status status = status_of(workspace);

    assert_string_equal(status.version, version);
}

static void copy_program(const char *from, const char *to)
{
    struct program_result result = run_program("cp", from, to, NULL);

    assert_done(&result);
}

static void put_script(const char *path, const char *text)
{
    put_file(path, text);
    assert_ok(chmod(path, 0755));
}

/* What is in use while the binary changes. */
struct belongings {
    int fd, nameless, lock;
    char *mapping, *private;
    DIR *stream;
    unsigned seen;
};

static void take(struct belongings *have)
{
    char path[64];

    put_file("mnt/file", "contents");
    have->fd = open_file("mnt/file", O_RDWR);
    have->mapping = map_shared(have->fd, 8);
    have->private = map_fd(have->fd, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    have->private[0] = 'P';
    have->lock = open_file("mnt/lock", O_RDWR | O_CREAT);
    assert_ok(flock(have->lock, LOCK_EX));
    have->nameless = open_file("mnt/nameless", O_RDWR | O_CREAT);
    assert_ok(unlink("mnt/nameless"));
    assert_int_equal(pwrite(have->nameless, "unlinked", 8, 0), 8);
    assert_ok(mkdir("mnt/directory", 0755));
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(path, sizeof(path), "mnt/directory/%d", i);
        put_file(path, "");
    }
    have->stream = opendir("mnt/directory");
    assert_non_null(have->stream);
    have->seen = 0;
    for (int i = 0; i < 5; i++) {
        struct dirent *entry = readdir(have->stream);
        assert_non_null(entry);
        have->seen += entry->d_name[0] != '.';
    }
}

static void assert_kept(struct belongings *have)
{
    char bytes[8];
    struct dirent *entry;

    have->mapping[0] = 'M';
    assert_int_equal(pwrite(have->fd, "W", 1, 7), 1);
    assert_int_equal(have->mapping[7], 'W');
    assert_content("mnt/file", "MontentW");
    assert_memory_equal(have->private, "P", 1);
    assert_ok(fsync(have->fd));
    assert_int_equal(pread(have->nameless, bytes, 8, 0), 8);
    assert_memory_equal(bytes, "unlinked", 8);
    assert_int_equal(fstat_of(have->nameless).st_nlink, 0);
    int other = open_file("mnt/lock", O_RDWR);
    assert_errno(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ok(flock(have->lock, LOCK_UN));
    assert_ok(flock(other, LOCK_EX | LOCK_NB));
    assert_ok(close(other));
    while ((entry = readdir(have->stream)) != NULL)
        have->seen += entry->d_name[0] != '.';
    assert_int_equal(have->seen, ENTRIES);
}

static void leave(struct belongings *have)
{
    assert_int_equal(closedir(have->stream), 0);
    unmap(have->mapping, 8);
    unmap(have->private, 8);
    assert_ok(close(have->lock));
    assert_ok(close(have->nameless));
    assert_ok(close(have->fd));
}

static void next_version_keeps_what_is_in_use(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct belongings have;

    pid_t keeper = start(workspace);
    struct shmap_status before = status_of(workspace);
    take(&have);
    assert_ok(upgrade(workspace, binary_in("SHMAPFS_NEXT")));
    struct shmap_status after = status_of(workspace);
    assert_string_equal(after.version, "next");
    assert_string_not_equal(before.version, "next");
    assert_int_equal(after.upgrades, 1);
    assert_int_equal(after.restarts, 0);
    assert_int_equal(after.keeper, keeper);
    assert_int_not_equal(after.pid, before.pid);
    assert_kept(&have);
    leave(&have);
    keeper_stop(workspace, keeper);
    assert_content("store/file", "MontentW");
}

/* After a refusal the same worker serves, and nothing has changed. */
static void assert_refuses(const struct workspace *workspace, const char *binary, int error,
                           const char *why)
{
    struct shmap_status before = status_of(workspace);
    struct belongings have;

    take(&have);
    assert_int_equal(upgrade(workspace, binary), -1);
    if (errno != error)
        fail_msg("upgrade to %s: %s", binary, strerror(errno));
    struct shmap_status after = status_of(workspace);
    assert_int_equal(after.pid, before.pid);
    assert_int_equal(after.upgrades, before.upgrades);
    assert_int_equal(after.restarts, before.restarts);
    assert_string_equal(after.version, before.version);
    if (why != NULL && strstr(after.upgrade_error, why) == NULL)
        fail_msg("upgrade to %s: %s", binary, after.upgrade_error);
    assert_kept(&have);
    leave(&have);
    struct program_result result =
        run_program("rm", "-r", "mnt/directory", "mnt/file", "mnt/lock", NULL);
    assert_done(&result);
}

static void refused_binaries(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX + 32];

    pid_t keeper = start(workspace);
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
    assert_ok(upgrade(workspace, binary_in("SHMAPFS_NEXT")));
    assert_string_equal(status_of(workspace).upgrade_error, "");
    keeper_stop(workspace, keeper);
}

static void binary_on_the_mount_itself(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX + 32];

    pid_t keeper = start(workspace);
    copy_program(shmapfs(), "mnt/shmapfs");
    snprintf(path, sizeof(path), "%s/shmapfs", workspace->mnt);
    assert_refuses(workspace, path, EPROTO, "on the mount itself");
    keeper_stop(workspace, keeper);
}

/* It gives the word of a shmapfs that it asks, and then does not go on: nobody can save the mount then, but nobody must
 * wait for it either. */
static void liar_leaves_nobody_waiting(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX + 32], script[PATH_MAX + 64];
    struct stat attr;

    pid_t keeper = start(workspace);
    put_file("mnt/file", "contents");
    int fd = open_file("mnt/file", O_RDWR);
    snprintf(script, sizeof(script), "#!/bin/sh\n[ \"$1\" != --resume-check ] || exec %s \"$@\"\n",
             binary_in("SHMAPFS_NEXT"));
    put_script("liar", script);
    snprintf(path, sizeof(path), "%s/liar", workspace->dir);
    assert_int_equal(upgrade(workspace, path), -1);
    assert_true(errno == ENOTCONN || errno == ECONNABORTED);
    assert_int_equal(wait_for_process(keeper), 0);
    // What the kernel knows of a file it may go on to tell.
    assert_errno(stat("mnt/never-seen", &attr), ENOTCONN);
    assert_errno(fsync(fd), ENOTCONN);
    assert_ok(close(fd));
    assert_int_equal(workspace_await_children(), 0);
    // Whoever mounts there next takes it away.
    struct program_result result = workspace_try_mount(workspace, true, "takeover");
    assert_int_equal(result.status, 0);
    assert_content("mnt/file", "contents");
    workspace_unmount(workspace);
}

static void set_by_somebody_else(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    pid_t keeper = start(workspace);

    assert_ok(chmod("mnt", 0777));
    if (workspace->root)
        // What the kernel lets everybody do who may write is not enough.
        assert_errno(setxattr(workspace->mnt, SHMAP_XATTR_UPGRADE, "", 0, 0), EPERM);
    else
        assert_errno(setxattr(workspace->mnt, SHMAP_XATTR_UPGRADE_TRUSTED, "", 0, 0), EPERM);
    put_file("mnt/file", "");
    assert_int_equal(setxattr("mnt/file", attribute(workspace), "", 0, 0), -1);
    assert_int_equal(status_of(workspace).upgrades, 0);
    keeper_stop(workspace, keeper);
}

static int ask_both_ways(void *argument)
{
    const struct workspace *workspace = argument;

    if (setxattr(workspace->mnt, SHMAP_XATTR_UPGRADE, "", 0, 0) != -1 || errno != EPERM)
        return 1;
    return setxattr(workspace->mnt, SHMAP_XATTR_UPGRADE_TRUSTED, "", 0, 0) == -1 && errno == EPERM
               ? 0
               : 2;
}

/* User id 0, but not almighty: as in a container. */
static int ask_without_privilege(void *argument)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct sets[2];

    if (syscall(SYS_capget, &header, sets) != 0)
        return 3;
    sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
    sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].permitted &= ~CAP_TO_MASK(CAP_SYS_ADMIN);
    if (syscall(SYS_capset, &header, sets) != 0)
        return 4;
    return ask_both_ways(argument);
}

static void set_by_who_lacks_the_privilege(void **state)
{
    struct workspace *workspace = workspace_of(state);

    if (!workspace->root)
        return; // Two users are needed.
    pid_t keeper = start(workspace);
    assert_ok(chmod("mnt", 0777));
    assert_int_equal(harness_as(STRANGER, STRANGER, 0, NULL, ask_both_ways, workspace), 0);
    assert_int_equal(harness_as(0, 0, 0, NULL, ask_without_privilege, workspace), 0);
    assert_int_equal(status_of(workspace).upgrades, 0);
    assert_ok(upgrade(workspace, ""));
    assert_int_equal(status_of(workspace).upgrades, 1);
    keeper_stop(workspace, keeper);
}

static void without_a_keeper(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "nokeeper");
    struct shmap_status before = status_of(workspace);
    assert_errno(upgrade(workspace, binary_in("SHMAPFS_NEXT")), EOPNOTSUPP);
    assert_errno(upgrade(workspace, ""), EOPNOTSUPP);
    assert_int_equal(status_of(workspace).pid, before.pid);
    workspace_unmount(workspace);
}

/* A binary that, the first time that it is asked, tells the pipe «asked» and answers when the pipe «answer» says something. */
static void make_slow(const struct workspace *workspace)
{
    char script[4 * PATH_MAX];

    assert_ok(mkfifo("asked", 0600));
    assert_ok(mkfifo("answer", 0600));
    snprintf(script, sizeof(script),
             "#!/bin/sh\nif [ \"$1\" = --resume-check ] && mkdir %s/first 2>&-; then\n"
             "    echo >%s/asked\n    read answer <%s/answer\nfi\nexec %s \"$@\"\n",
             workspace->dir, workspace->dir, workspace->dir, binary_in("SHMAPFS_NEXT"));
    put_script("slow", script);
}

/* The descriptor is to stay open until it has: what is in a FIFO goes with the last one. */
static int let_it_answer(void)
{
    int answer = open_file("answer", O_RDWR);

    assert_int_equal(write(answer, "\n", 1), 1);
    return answer;
}

static int upgrade_to_slow(struct coprocess *parent, void *argument)
{
    const struct workspace *workspace = argument;
    char path[PATH_MAX + 32];

    (void)parent;
    snprintf(path, sizeof(path), "%s/slow", workspace->dir);
    coprocess_check(upgrade(workspace, path) == 0);
    return 0;
}

static int upgrade_to_usual(struct coprocess *parent, void *argument)
{
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(upgrade(argument, shmapfs()) == 0);
    return 0;
}

/* While a binary is asked, the mount serves; who wants another one waits for his turn. */
static void two_at_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess slow, usual;

    pid_t keeper = start(workspace);
    put_file("mnt/file", "contents");
    make_slow(workspace);
    assert_int_equal(coprocess_start(&slow, upgrade_to_slow, workspace), 0);
    int asked = open_file("asked", O_RDONLY);
    assert_int_equal(coprocess_start(&usual, upgrade_to_usual, workspace), 0);
    assert_true(coprocess_await_turn(&usual));
    assert_content("mnt/file", "contents");
    assert_int_equal(status_of(workspace).upgrades, 0);
    int answer = let_it_answer();
    assert_coprocess_succeeds(&slow);
    assert_coprocess_succeeds(&usual);
    assert_ok(close(answer));
    assert_ok(close(asked));
    assert_int_equal(status_of(workspace).upgrades, 2);
    assert_int_equal(status_of(workspace).keeper, keeper);
    assert_content("mnt/file", "contents");
    keeper_stop(workspace, keeper);
}

/* Its worker dies while the binary is being asked. */
static void worker_dies_during_the_question(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    pid_t keeper = start(workspace);
    make_slow(workspace);
    assert_int_equal(coprocess_start(&coprocess, upgrade_to_slow, workspace), 0);
    int asked = open_file("asked", O_RDONLY);
    kill_and_wait(keeper_worker(keeper));
    // The request comes again, and the binary is asked again.
    assert_coprocess_succeeds(&coprocess);
    assert_ok(close(asked));
    assert_version(workspace, "next");
    assert_int_equal(status_of(workspace).upgrades, 1);
    assert_int_equal(status_of(workspace).restarts, 1);
    // Whoever is still waiting to be told goes on, and tells nobody.
    assert_ok(close(let_it_answer()));
    keeper_stop(workspace, keeper);
}

static bool has_upgraded(void *argument)
{
    return status_of(argument).upgrades > 0;
}

static bool log_has_refused(void *argument)
{
    return log_lines(argument) > 0;
}

/* A signal upgrades to what is now at the path that the mount was started from. */
static void hangup_goes_by_the_path(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX + 32];

    copy_program(shmapfs(), "daemon");
    copy_program(binary_in("SHMAPFS_ALIEN"), "alien");
    copy_program(binary_in("SHMAPFS_NEXT"), "next");
    snprintf(path, sizeof(path), "%s/daemon", workspace->dir);
    assert_ok(setenv("SHMAPFS_COPY", path, 1));
    pid_t keeper = keeper_start(
        workspace, &(struct keeper_settings){ .with_store = true, .variable = "SHMAPFS_COPY" });
    struct shmap_status before = status_of(workspace);
    put_file("mnt/file", "contents");
    assert_ok(unlink("daemon"));
    assert_ok(kill(keeper, SIGHUP));
    await_true(log_has_refused, (char[]){ "No such file" }, "a word about the binary that is gone");
    assert_ok(rename("alien", "daemon"));
    assert_ok(kill(keeper, SIGHUP));
    await_true(log_has_refused, (char[]){ "layout" }, "a word about the alien");
    assert_int_equal(status_of(workspace).pid, before.pid);
    assert_int_equal(status_of(workspace).upgrades, 0);
    assert_ok(rename("next", "daemon"));
    assert_ok(kill(keeper, SIGHUP));
    await_true(has_upgraded, workspace, "the upgrade");
    assert_version(workspace, "next");
    assert_int_equal(status_of(workspace).keeper, keeper);
    assert_content("mnt/file", "contents");
    keeper_stop(workspace, keeper);
}

/* In memory that the processes share. */
struct opener {
    struct event_count news;
    atomic_uint rounds;
    atomic_bool stop;
};

static int open_and_sync(struct opener *opener, unsigned number)
{
    char name[32], kept_name[32], byte;
    struct stat attr;

    snprintf(name, sizeof(name), "mnt/%u", number);
    snprintf(kept_name, sizeof(kept_name), "mnt/%u.kept", number);
    int kept = open(kept_name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    coprocess_check(kept != -1);
    for (unsigned i = 0; !opener->stop; i++) {
        char wanted = (char)i;
        int fd = open(name, O_RDWR | O_CREAT | (i % 3 == 0 ? O_TRUNC : 0) | O_CLOEXEC, 0644);
        coprocess_check(fd != -1);
        coprocess_check(pwrite(fd, &wanted, 1, 0) == 1);
        coprocess_check(fsync(fd) == 0);
        coprocess_check(fstat(fd, &attr) == 0 && attr.st_size == 1);
        coprocess_check(pread(fd, &byte, 1, 0) == 1 && byte == wanted);
        coprocess_check(pwrite(kept, &wanted, 1, i % 4096) == 1);
        coprocess_check(fsync(kept) == 0);
        coprocess_check(fallocate(fd, 0, 0, 2) == 0);
        coprocess_check(ftruncate(fd, 0) == 0);
        coprocess_check(close(fd) == 0);
        coprocess_check(i % 2 == 0 || unlink(name) == 0);
        opener->rounds++;
        event_count_advance(&opener->news);
    }
    return 0;
}

/* A descriptor that is lost when the keeper becomes another binary is EBADF for who has the file open. */
static void files_are_opened_all_the_time(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    const char *const binaries[] = { binary_in("SHMAPFS_NEXT"), shmapfs() };
    struct opener *openers = load_memory(CLIENTS * sizeof(*openers));
    pid_t pids[CLIENTS];

    pid_t keeper = start(workspace);
    fflush(NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(open_and_sync(&openers[i], i));
        assert_ok(pids[i]);
    }
    for (int i = 0; i < UPGRADES; i++) {
        struct opener *opener = &openers[i % CLIENTS];
        uint32_t seen = event_count_read(&opener->news);
        assert_ok(upgrade(workspace, binaries[i % 2]));
        event_count_await(&opener->news, seen);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        openers[i].stop = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_int_equal(wait_for_process(pids[i]), 0);
        assert_true(openers[i].rounds > 0);
    }
    assert_int_equal(status_of(workspace).upgrades, UPGRADES);
    assert_int_equal(status_of(workspace).restarts, 0);
    assert_ok(munmap(openers, CLIENTS * sizeof(*openers)));
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(next_version_keeps_what_is_in_use),
    cmocka_unit_test(refused_binaries),
    cmocka_unit_test(binary_on_the_mount_itself),
    cmocka_unit_test(liar_leaves_nobody_waiting),
    cmocka_unit_test(set_by_somebody_else),
    cmocka_unit_test(set_by_who_lacks_the_privilege),
    cmocka_unit_test(without_a_keeper),
    cmocka_unit_test(two_at_once),
    cmocka_unit_test(worker_dies_during_the_question),
    cmocka_unit_test(hangup_goes_by_the_path),
    cmocka_unit_test(files_are_opened_all_the_time),
};

WORKSPACE_MAIN("upgrade", cases)
