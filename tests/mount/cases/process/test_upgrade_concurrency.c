// SPDX-License-Identifier: BSD-2-Clause
/* The events while a mount is being upgraded: other upgrades, deaths, signals, and work. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/upgrade.h"
#include "tests/mount/load/event_count.h"
#include "tests/mount/load/load.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/api/shmap.h"

enum { UPGRADES = 50, CLIENTS = 3 };

/* A binary that, the first time that it is asked, tells the pipe «asked» and answers when the pipe
 * «answer» says something. */
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
    coprocess_check(upgrade_mount(workspace, path) == 0);
    return 0;
}

static int upgrade_to_usual(struct coprocess *parent, void *argument)
{
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(upgrade_mount(argument, shmapfs()) == 0);
    return 0;
}

/* While a binary is asked, the mount serves; who wants another one waits for his turn. */
static void two_at_once(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess slow, usual;

    pid_t keeper = start_upgradable(workspace);
    put_file("mnt/file", "contents");
    make_slow(workspace);
    assert_int_equal(coprocess_start(&slow, upgrade_to_slow, workspace), 0);
    int asked = open_file("asked", O_RDONLY);
    assert_int_equal(coprocess_start(&usual, upgrade_to_usual, workspace), 0);
    assert_true(coprocess_await_turn(&usual));
    assert_content("mnt/file", "contents");
    assert_int_equal(shmap_status_of(workspace).upgrades, 0);
    int answer = let_it_answer();
    assert_coprocess_succeeds(&slow);
    assert_coprocess_succeeds(&usual);
    assert_ok(close(answer));
    assert_ok(close(asked));
    assert_int_equal(shmap_status_of(workspace).upgrades, 2);
    assert_int_equal(shmap_status_of(workspace).keeper, keeper);
    assert_content("mnt/file", "contents");
    keeper_stop(workspace, keeper);
}

/* Its worker dies while the binary is being asked. */
static void worker_dies_during_the_question(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess coprocess;

    pid_t keeper = start_upgradable(workspace);
    make_slow(workspace);
    assert_int_equal(coprocess_start(&coprocess, upgrade_to_slow, workspace), 0);
    int asked = open_file("asked", O_RDONLY);
    kill_and_wait(keeper_worker(keeper));
    // The request comes again, and the binary is asked again.
    assert_coprocess_succeeds(&coprocess);
    assert_ok(close(asked));
    assert_version(workspace, "next");
    assert_int_equal(shmap_status_of(workspace).upgrades, 1);
    assert_int_equal(shmap_status_of(workspace).restarts, 1);
    // The one that is still waiting to be told goes on, and tells nobody.
    assert_ok(close(let_it_answer()));
    keeper_stop(workspace, keeper);
}

static bool has_upgraded(void *argument)
{
    return shmap_status_of(argument).upgrades > 0;
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
    struct shmap_status before = shmap_status_of(workspace);
    put_file("mnt/file", "contents");
    assert_ok(unlink("daemon"));
    assert_ok(kill(keeper, SIGHUP));
    await_true(log_has_refused, (char[]){ "No such file" }, "a word about the binary that is gone");
    assert_ok(rename("alien", "daemon"));
    assert_ok(kill(keeper, SIGHUP));
    await_true(log_has_refused, (char[]){ "layout" }, "a word about the alien");
    assert_int_equal(shmap_status_of(workspace).pid, before.pid);
    assert_int_equal(shmap_status_of(workspace).upgrades, 0);
    assert_ok(rename("next", "daemon"));
    assert_ok(kill(keeper, SIGHUP));
    await_true(has_upgraded, workspace, "the upgrade");
    assert_version(workspace, "next");
    assert_int_equal(shmap_status_of(workspace).keeper, keeper);
    assert_content("mnt/file", "contents");
    keeper_stop(workspace, keeper);
}

/* In memory that the processes share. */
struct opening_client {
    struct event_count news;
    atomic_uint rounds;
    atomic_bool stop;
};

static int open_and_sync(struct opening_client *opener, unsigned number)
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

/* A descriptor that is lost when the keeper becomes another binary is EBADF for who has the file
 * open. */
static void files_are_opened_all_the_time(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    const char *const binaries[] = { binary_in("SHMAPFS_NEXT"), shmapfs() };
    struct opening_client *openers = load_memory(CLIENTS * sizeof(*openers));
    pid_t pids[CLIENTS];

    pid_t keeper = start_upgradable(workspace);
    fflush(NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(open_and_sync(&openers[i], i));
        assert_ok(pids[i]);
    }
    for (int i = 0; i < UPGRADES; i++) {
        struct opening_client *opener = &openers[i % CLIENTS];
        uint32_t seen = event_count_read(&opener->news);
        assert_ok(upgrade_mount(workspace, binaries[i % 2]));
        event_count_await(&opener->news, seen);
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        openers[i].stop = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_int_equal(wait_for_process(pids[i]), 0);
        assert_true(openers[i].rounds > 0);
    }
    assert_int_equal(shmap_status_of(workspace).upgrades, UPGRADES);
    assert_int_equal(shmap_status_of(workspace).restarts, 0);
    assert_ok(munmap(openers, CLIENTS * sizeof(*openers)));
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(two_at_once),
    cmocka_unit_test(worker_dies_during_the_question),
    cmocka_unit_test(hangup_goes_by_the_path),
    cmocka_unit_test(files_are_opened_all_the_time),
};

WORKSPACE_MAIN("upgrade_concurrency", cases)
