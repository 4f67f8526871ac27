// SPDX-License-Identifier: BSD-2-Clause
/*
 * Users' mounts whose files the broker passes through: how that shows, where it is not so, and for
 * whom.
 */
#include "tests/mount/cases/broker/broker_service.h"
#include "tests/mount/cases/broker/brokered_mount.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/keeper/process.h"

#include "lib/broker/protocol.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILES = 40 };

static void passed_through(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    broker_prepare();
    pid_t broker = broker_start(NULL);
    mount_as_nobody(workspace, true, "anon=ram");
    assert_true(is_brokered(workspace));
    assert_int_equal(as(NOBODY, use_file, "mnt/file"), 0);
    assert_int_equal(as(NOBODY, use_file, "mnt/ram/file"), 0);
    assert_passed_through("mnt/file");
    assert_passed_through("mnt/ram/file");
    struct program_result result = run_as(NOBODY, shmapctl(), "status", workspace->mnt, NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, "passthrough (by the broker)"));
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

static void mount_and_expect(const struct workspace *workspace, const char *options,
                             const char *words)
{
    mount_as_nobody(workspace, false, options);
    assert_false(is_brokered(workspace));
    assert_says(workspace, words);
    assert_int_equal(as(NOBODY, use_file, "mnt/file"), 0);
    unmount_as_nobody(workspace);
}

static void not_passed_through(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    broker_prepare();
    mount_and_expect(workspace, "size=8m",
                     "passthrough takes root, or the broker, which is not there");
    pid_t broker = broker_start("--ratio=20");
    mount_and_expect(workspace, "nobroker", "passthrough takes root, and nobroker was given");
    mount_and_expect(workspace, "nopassthrough",
                     "nopassthrough was given; the broker lifted the limits of writing back");
    mount_and_expect(workspace, "nopassthrough,nobroker", "(nopassthrough was given)");
    assert_ok(chmod(BROKER_SOCKET, 0600));
    mount_and_expect(workspace, "size=8m", "the broker, which is not for this user");
    assert_ok(chmod(BROKER_SOCKET, 0666));
    broker_stop(broker);
    mount_and_expect(workspace, "size=8m", "the broker, which is not there");
}

/* Files of the store that the broker may not register: the mount's user may read one, and not write. */
static int hold_foreign_file(struct coprocess *parent, void *path)
{
    char bytes[8];

    coprocess_check(setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
                    setresuid(NOBODY, NOBODY, NOBODY) == 0);
    int reader = open(path, O_RDONLY);
    coprocess_check(reader >= 0 && pread(reader, bytes, 8, 0) == 8);
    coprocess_check(memcmp(bytes, "contents", 8) == 0);
    coprocess_check(open(path, O_RDWR) == -1 && errno == EACCES);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    // By now he may. As long as it is open it goes on as it began.
    int writer = open(path, O_RDWR);
    coprocess_check(writer >= 0 && pwrite(writer, "C", 1, 0) == 1);
    char *mapping = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
    coprocess_check(mapping != MAP_FAILED && mapping[0] == 'C');
    mapping[1] = 'O';
    coprocess_check(pread(reader, bytes, 8, 0) == 8 && memcmp(bytes, "COntents", 8) == 0);
    coprocess_check(msync(mapping, 8, MS_SYNC) == 0 && munmap(mapping, 8) == 0);
    close(writer);
    close(reader);
    return 0;
}

static void files_of_others_in_the_store(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    char path[] = "mnt/foreign";
    struct coprocess client;

    broker_prepare();
    pid_t broker = broker_start(NULL);
    prepare_file("store/foreign", 0, 0, 0644);
    prepare_file("store/hidden", 0, 0, 0600);
    mount_as_nobody(workspace, true, "size=8m");
    assert_int_equal(as(NOBODY, read_file, "mnt/hidden"), EACCES);
    assert_int_equal(coprocess_start(&client, hold_foreign_file, path), 0);
    assert_true(coprocess_await_turn(&client));
    assert_ok(chmod("store/foreign", 0666));
    assert_true(coprocess_give_turn(&client));
    assert_coprocess_succeeds(&client);
    assert_content("store/foreign", "COntents");
    assert_int_equal(as(NOBODY, use_file, path), 0);
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

static void in_a_user_namespace(void **state)
{
    (void)state;
    broker_prepare();
    struct program_result result = run_as(NOBODY, "unshare", "-Ur", "true", NULL);
    if (result.status != 0)
        harness_skip_case("no user may make a user namespace here");
    pid_t broker = broker_start(NULL);
    result = run_as(NOBODY, shmapctl(), "run", "-o", "size=8m", "--", shmapctl(), "status",
                    "/dev/shm", NULL);
    assert_mounted(&result);
    if (strstr(result.out, "passthrough (by the broker)") == NULL)
        fail_msg("not passed through:\n%s", result.out);
    result = run_as(NOBODY, shmapctl(), "run", "-o", "size=8m", "--", "sh", "-c",
                    "echo contents >/dev/shm/file && cat /dev/shm/file", NULL);
    assert_mounted(&result);
    assert_string_equal(result.out, "contents\n");
    // The daemon must not look for the broker through its own mount.
    result = run_as(NOBODY, shmapctl(), "run", "--mount", "/run", "-o", "size=8m", "--", shmapctl(),
                    "status", "/run", NULL);
    assert_mounted(&result);
    if (strstr(result.out, "whose socket the mount hides") == NULL)
        fail_msg("not said:\n%s", result.out);
    broker_stop(broker);
}

static bool is_passed_through_to_another(void *path)
{
    return as(SOMEBODY, ask_path, path) == 1;
}

static void two_users(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    broker_prepare();
    pid_t broker = broker_start("--files=20");
    prepare_directory("another", SOMEBODY, SOMEBODY, 0700);
    mount_as_nobody(workspace, false, "size=64m");
    struct program_result result = run_as(SOMEBODY, shmapfs(), "another", "-o", "size=64m", NULL);
    assert_mounted(&result);
    // The user has more files than he may have registered: the others do without.
    use_files("file", FILES);
    assert_int_equal(as(NOBODY, ask_path, "mnt/more"), 0);
    assert_int_equal(as(SOMEBODY, use_file, "another/file"), 0);
    await_true(is_passed_through_to_another, (char[]){ "another/file" }, "another user's file");
    result = run_as(SOMEBODY, "fusermount3", "-u", "another", NULL);
    assert_done(&result);
    unmount_as_nobody(workspace);
    broker_stop(broker);
}

static const struct CMUnitTest CASES[] = {
    cmocka_unit_test(passed_through),
    cmocka_unit_test(not_passed_through),
    cmocka_unit_test(files_of_others_in_the_store),
    cmocka_unit_test(in_a_user_namespace),
    cmocka_unit_test(two_users),
};

WORKSPACE_MAIN("broker", CASES)
