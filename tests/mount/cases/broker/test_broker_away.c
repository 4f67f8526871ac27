// SPDX-License-Identifier: BSD-2-Clause
/* A user's mount whose broker has gone, or does not answer: no call fails for that. */
#include "tests/mount/cases/broker/broker_service.h"
#include "tests/mount/cases/broker/brokered_mount.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILES = 40 };

/* Without a broker files are opened without passthrough. Those that are open do not notice. */
static int hold_file(struct coprocess *parent, void *path)
{
    coprocess_check(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                    setresuid(NOBODY, NOBODY, NOBODY) == 0);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    coprocess_check(fd >= 0 && ftruncate(fd, 4096) == 0);
    char *mapping = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(mapping != MAP_FAILED);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    mapping[0] = 'x';
    int other = open(path, O_RDWR);
    char byte;
    coprocess_check(other >= 0 && pread(other, &byte, 1, 0) == 1 && byte == 'x');
    return 0;
}

static void broker_is_killed(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char held[] = "mnt/held", late[] = "mnt/late";
    struct coprocess client;

    broker_prepare();
    pid_t broker = broker_start(NULL);
    mount_as_nobody(workspace, false, "size=64m");
    assert_int_equal(coprocess_start(&client, hold_file, held), 0);
    assert_true(coprocess_await_turn(&client));
    kill_and_wait(broker);
    use_files("without", 5);
    assert_int_equal(as(NOBODY, ask_path, "mnt/without0"), 0);
    assert_true(coprocess_give_turn(&client));
    assert_coprocess_succeeds(&client);
    broker = broker_start(NULL);
    await_true(is_passed_through, late, "a file that the new broker registers");
    await_true(is_passed_through, (char[]){ "mnt/without0" }, "one that it registers later");
    // Another one takes its place while nobody asks.
    kill_and_wait(broker);
    broker = broker_start(NULL);
    use_files("with", 1);
    assert_passed_through("mnt/with0");
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

/* Fills most of an area of 8 MiB. Otherwise it leaves nothing. */
static int fill(void *path)
{
    char page[4096] = { 0 };
    int fd = open(path, O_RDWR | O_CREAT, 0600), result = 0;

    for (int i = 0; i < 1536 && result == 0; i++)
        result = write(fd, page, sizeof(page)) == sizeof(page) ? 0 : errno;
    close(fd);
    if (result != 0)
        unlink(path);
    return result;
}

static int remove_it(void *path)
{
    return unlink(path) == 0 ? 0 : errno;
}

static bool can_be_filled(void *path)
{
    return as(NOBODY, fill, path) == 0;
}

/* Files that are deleted while the broker is away keep their space until it answers again, although
 * the worker dies meanwhile. */
static void space_comes_back(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char second[] = "mnt/second";

    broker_prepare();
    pid_t broker = broker_start(NULL);
    mount_as_nobody(workspace, false, "size=8m");
    assert_int_equal(as(NOBODY, fill, "mnt/first"), 0);
    kill_and_wait(broker);
    assert_int_equal(as(NOBODY, remove_it, "mnt/first"), 0);
    assert_int_equal(as(NOBODY, fill, second), ENOSPC);
    kill_and_wait(served_by(workspace).worker);
    assert_int_equal(as(NOBODY, fill, second), ENOSPC);
    broker = broker_start(NULL);
    await_true(can_be_filled, second, "the space of a file that was deleted");
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

/* A broker that takes connections and never answers costs one open a second, and the others none. */
static void broker_hangs(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    broker_prepare();
    pid_t broker = broker_start(NULL);
    mount_as_nobody(workspace, false, "size=64m");
    use_files("with", 1);
    pid_t session = broker_only_child(broker);
    stop_process(session);
    stop_process(broker);
    use_files("without", FILES);
    assert_int_equal(as(NOBODY, ask_path, "mnt/without1"), 0);
    assert_ok(kill(broker, SIGCONT));
    assert_ok(kill(session, SIGCONT));
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

static const struct CMUnitTest CASES[] = {
    cmocka_unit_test(broker_is_killed),
    cmocka_unit_test(space_comes_back),
    cmocka_unit_test(broker_hangs),
};

WORKSPACE_MAIN("broker_away", CASES)
