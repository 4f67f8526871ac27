// SPDX-License-Identifier: BSD-2-Clause
/* The client dies together with the worker: its request is carried out, and nobody asks again. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/kernel.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/interrupted_call.h"
#include "tests/mount/keeper/keeper.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MANY = 40 };

/* Makes the daemon close the descriptors that it need not keep. */
static void use_many_files(void)
{
    char path[64];

    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "mnt/many%d", i);
        put_file(path, "");
    }
}

/* Before Linux 6.9, which sends requests again, a client cannot die before it is answered. */
static bool clients_die_unanswered(void)
{
    return kernel_is_at_least(6, 9) && getenv("SHMAPFS_FORGETFUL") == NULL;
}

/* The request is carried out, and nobody waits for the answer: the client dies before it can be
 * read again. */
static void lose_request(pid_t keeper, int (*make)(void *), void *argument)
{
    struct client_call call = { make, argument };
    struct coprocess client;

    pid_t worker = call_and_stop(keeper, POINT_OF_EXECUTION, &call, &client);
    pid_t standby = keeper_standby(keeper);
    arm_point("after-resend");
    assert_ok(kill(worker, SIGKILL));
    await_stop(standby);
    assert_ok(kill(client.pid, SIGKILL));
    if (!clients_die_unanswered())
        assert_ok(kill(standby, SIGCONT));
    assert_int_equal(coprocess_end(&client), 128 + SIGKILL);
    if (clients_die_unanswered())
        assert_ok(kill(standby, SIGCONT));
}

/* A process that has the file open can use it after it has lost its name. */
static void client_dies_with_the_worker(const struct workspace *workspace, int (*make)(void *))
{
    char path[] = "mnt/file", bytes[8];

    pid_t keeper = keeper_start_with_crashpoints(workspace, false);
    put_file("mnt/other", "replaced");
    put_file(path, "contents");
    int fd = open_file(path, O_RDWR);
    char *mapping = map_shared(fd, 8);
    lose_request(keeper, make, path);
    use_many_files();
    assert_int_equal(fstat_of(fd).st_nlink, 0);
    assert_int_equal(pwrite(fd, "C", 1, 0), 1);
    assert_ok(fsync(fd));
    assert_int_equal(pread(fd, bytes, 8, 0), 8);
    assert_memory_equal(bytes, "Contents", 8);
    assert_memory_equal(mapping, "Contents", 8);
    assert_ok(ftruncate(fd, 4));
    assert_int_equal(size_of(fd), 4);
    if (make == replace_file)
        assert_content(path, "replaced");
    else
        assert_false(exists(path));
    unmap(mapping, 8);
    assert_ok(close(fd));
    assert_int_equal(read_status_number(workspace, "restarts"), 1);
    keeper_stop(workspace, keeper);
}

/* So can a process that holds the path and has not opened the file yet. */
static void path_stays_with_its_holder(const struct workspace *workspace, int (*make)(void *))
{
    char path[] = "mnt/file", again[32], bytes[8];

    pid_t keeper = keeper_start_with_crashpoints(workspace, false);
    put_file("mnt/other", "replaced");
    put_file(path, "contents");
    int path_fd = open_file(path, O_PATH);
    lose_request(keeper, make, path);
    use_many_files();
    snprintf(again, sizeof(again), "/proc/self/fd/%d", path_fd);
    int fd = open_file(again, O_RDWR);
    assert_int_equal(pread(fd, bytes, 8, 0), 8);
    assert_memory_equal(bytes, "contents", 8);
    assert_ok(close(fd));
    assert_ok(close(path_fd));
    keeper_stop(workspace, keeper);
}

static void path_stays_after_removal(void **state)
{
    path_stays_with_its_holder(workspace_of(state), remove_file);
}

static void path_stays_after_renaming(void **state)
{
    path_stays_with_its_holder(workspace_of(state), replace_file);
}

static void client_that_removes_dies_too(void **state)
{
    client_dies_with_the_worker(workspace_of(state), remove_file);
}

static void client_that_renames_dies_too(void **state)
{
    client_dies_with_the_worker(workspace_of(state), replace_file);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(client_that_removes_dies_too),
    cmocka_unit_test(client_that_renames_dies_too),
    cmocka_unit_test(path_stays_after_removal),
    cmocka_unit_test(path_stays_after_renaming),
};

WORKSPACE_MAIN("recovery_client", cases)
