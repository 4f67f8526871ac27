// SPDX-License-Identifier: BSD-2-Clause
/* Users who want more of the broker than there is for one, or keep it waiting: no other one is to
 * notice. */
#include "tests/mount/cases/broker/attacker.h"
#include "tests/mount/cases/broker/broker_service.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

// As tools/broker/callers.h has them.
enum { SESSIONS = 32, BURST = 256, PER_SECOND = 128 };

static bool become(uid_t uid)
{
    return setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0;
}

static void assert_served(uid_t uid)
{
    assert_file(uid, memfd_create("memory", 0), 0);
}

static int hold_sessions(struct coprocess *parent, void *unused)
{
    int file = memfd_create("memory", 0);

    (void)unused;
    coprocess_check(become(ALICE));
    for (int i = 0; i < SESSIONS; i++)
        coprocess_check(attacker_ask(attacker_connect(), BROKER_FILE, file, 0) == 0);
    coprocess_check(attacker_ask(attacker_connect(), BROKER_FILE, file, 0) == -EAGAIN);
    coprocess_check(coprocess_give_turn(parent));
    return coprocess_await_turn(parent) ? 0 : 1;
}

static void many_sessions(void **state)
{
    struct coprocess client;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    assert_int_equal(coprocess_start(&client, hold_sessions, NULL), 0);
    assert_true(coprocess_await_turn(&client));
    assert_served(BOB);
    assert_int_equal(attack_as(ALICE, 0, &(struct attack){ .file = STDIN_FILENO }), EAGAIN);
    assert_true(coprocess_give_turn(&client));
    assert_coprocess_succeeds(&client);
    broker_stop(broker);
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Connects until that is refused. A machine that is busy may be slower than what is allowed. */
static int connect_often(void *unused)
{
    int file = memfd_create("memory", 0), result = 0, served = 0;
    double begin = seconds();

    (void)unused;
    while (served < 4 * BURST && result == 0) {
        int socket = attacker_connect();
        result = attacker_ask(socket, BROKER_FILE, file, 0);
        close(socket);
        served += result == 0;
    }
    if (result != 0 && result != -EAGAIN)
        return -result;
    return served <= BURST + 1 + (int)(PER_SECOND * (seconds() - begin)) ? 0 : EUSERS;
}

static void many_connections(void **state)
{
    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    assert_int_equal(harness_as(ALICE, ALICE, 0, NULL, connect_often, NULL), 0);
    assert_served(BOB);
    broker_stop(broker);
}

static int register_as(uid_t uid, const struct raw_mount *mount_)
{
    int file = memfd_create("memory", 0);
    int result = attack_as(
        uid, 0,
        &(struct attack){ .file = file, .device = mount_->device, .verb = BROKER_REGISTER });

    assert_ok(close(file));
    return result;
}

/* Makes two mounts of one user, and one of another's. */
static void mount_three(struct raw_mount *first, struct raw_mount *second, struct raw_mount *bobs)
{
    prepare_directory("first", ALICE, ALICE, 0700);
    prepare_directory("second", ALICE, ALICE, 0700);
    prepare_directory("bobs", BOB, BOB, 0700);
    raw_mount(first, "first", S_IFDIR, ALICE);
    raw_mount(second, "second", S_IFDIR, ALICE);
    raw_mount(bobs, "bobs", S_IFDIR, BOB);
}

/* A file stays registered for as long as anybody has the device, when the mount has gone. */
static void many_files(void **state)
{
    struct raw_mount first, second, bobs;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start("--files=2");
    mount_three(&first, &second, &bobs);
    assert_in_range(register_as(ALICE, &first), 1, 8);
    int id = register_as(ALICE, &second);
    assert_in_range(id, 1, 8);
    assert_int_equal(register_as(ALICE, &first), EMFILE);
    assert_int_equal(register_as(ALICE, &second), EMFILE);
    assert_in_range(register_as(BOB, &bobs), 1, 8);
    assert_int_equal(
        attack_as(ALICE, 0,
                  &(struct attack){
                      .file = -1, .device = second.device, .verb = BROKER_CLOSE, .id = id }),
        0);
    assert_in_range(register_as(ALICE, &second), 1, 8);
    assert_ok(umount("first"));
    // Another mount may have its number by now.
    int gone = register_as(ALICE, &first);
    assert_true(gone == ENOTCONN || gone == EPERM || gone == EMFILE);
    assert_int_equal(register_as(ALICE, &second), EMFILE);
    assert_ok(close(first.device));
    raw_unmount(&second);
    raw_unmount(&bobs);
    broker_stop(broker);
}

static int send_half(void *unused)
{
    int socket = attacker_connect();

    (void)unused;
    if (attacker_ask(socket, BROKER_FILE, memfd_create("memory", 0), 0) != 0)
        return 1;
    // It had so many seconds for the device.
    return attacker_answer(socket) == NO_ANSWER ? 0 : 2;
}

static void slow_peer(void **state)
{
    (void)state;
    broker_prepare();
    pid_t broker = broker_start("--seconds=3");
    assert_int_equal(harness_as(ALICE, ALICE, 0, NULL, send_half, NULL), 0);
    broker_stop(broker);
}

static int give_hanging_file(struct coprocess *parent, void *path)
{
    coprocess_check(become(ALICE));
    int file = open(path, O_RDONLY);
    coprocess_check(file >= 0);
    int one = attacker_connect(), other = attacker_connect();
    struct broker_question question = { BROKER_MAGIC, BROKER_FILE, 7, 0 };
    coprocess_check(attacker_send(one, &question, sizeof(question), &file, 1));
    question.verb = BROKER_PROBE;
    coprocess_check(attacker_send(other, &question, sizeof(question), &file, 1));
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    // Closing this one has to wait, too.
    _exit(0);
}

/* A file of a filesystem that does not answer when it is closed */
static void hanging_file(void **state)
{
    char path[] = "hanging";
    struct raw_mount mount_;
    struct coprocess client;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start("--seconds=3");
    prepare_file(path, ALICE, ALICE, 0600);
    raw_mount(&mount_, path, S_IFREG | 0600, ALICE);
    pid_t server = raw_serve(&mount_, 0, true);
    assert_int_equal(coprocess_start(&client, give_hanging_file, path), 0);
    assert_true(coprocess_await_turn(&client));
    assert_served(BOB);
    assert_served(ALICE);
    assert_true(coprocess_give_turn(&client));
    assert_ok(umount2(path, MNT_DETACH | MNT_FORCE));
    kill_and_wait(server);
    assert_ok(close(mount_.device));
    assert_coprocess_succeeds(&client);
    broker_stop(broker);
}

static int hold_one(struct coprocess *parent, void *unused)
{
    (void)unused;
    coprocess_check(become(ALICE));
    int socket = attacker_connect(), file = memfd_create("memory", 0);
    coprocess_check(attacker_ask(socket, BROKER_FILE, file, 0) == 0);
    coprocess_check(coprocess_give_turn(parent));
    return attacker_answer(socket) == NO_ANSWER ? 0 : 1;
}

static void sessions_end_with_the_broker(void **state)
{
    struct coprocess client;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    assert_int_equal(coprocess_start(&client, hold_one, NULL), 0);
    assert_true(coprocess_await_turn(&client));
    pid_t session = broker_only_child(broker);
    kill_and_wait(broker);
    assert_coprocess_succeeds(&client);
    await_end(session);
}

static unsigned connection_of(int device)
{
    char path[64], text[1024] = "";
    unsigned number = 0;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", device);
    int fd = open_file(path, O_RDONLY);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    const char *line = strstr(text, "fuse_connection:");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "fuse_connection: %u", &number), 1);
    return number;
}

static int ratio_of(int device)
{
    char path[64], text[16] = "";

    snprintf(path, sizeof(path), "/sys/class/bdi/0:%u/max_ratio", connection_of(device));
    int fd = open_file(path, O_RDONLY);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    return atoi(text);
}

static int relieve(uid_t uid, int device)
{
    return attack_as(uid, 0,
                     &(struct attack){ .file = -1, .device = device, .verb = BROKER_LIMITS });
}

static void limits_of_writing_back(void **state)
{
    struct raw_mount first, second, bobs;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start("--ratio=40");
    mount_three(&first, &second, &bobs);
    assert_int_equal(relieve(ALICE, first.device), 0);
    assert_int_equal(relieve(ALICE, first.device), 0);
    assert_int_equal(ratio_of(first.device), 40);
    // One mount of a user's, and sixty per cent for all
    assert_int_equal(relieve(ALICE, second.device), EBUSY);
    assert_int_equal(relieve(BOB, bobs.device), EBUSY);
    assert_int_equal(ratio_of(second.device), 1);
    assert_int_equal(ratio_of(bobs.device), 1);
    raw_unmount(&first);
    assert_int_equal(relieve(BOB, bobs.device), 0);
    assert_int_equal(ratio_of(bobs.device), 40);
    raw_unmount(&second);
    raw_unmount(&bobs);
    broker_stop(broker);
}

static void assert_usage(const char *argument, const char *words)
{
    struct program_result result = run_program(getenv("SHMAPFS_BROKER"), argument, NULL);

    assert_int_equal(result.status, 2);
    assert_string_equal(result.out, "");
    if (strstr(result.err, words) == NULL || strchr(result.err, '\n')[1] != '\0')
        fail_msg("not one line with «%s»: %s", words, result.err);
}

static void odd_arguments(void **state)
{
    (void)state;
    assert_usage("--files=0", "from 1 to");
    assert_usage("--ratio=61", "from 0 to 60");
    assert_usage("--seconds=x", "from 1 to 3600");
    assert_usage("--nonsense", "no such argument");
    assert_usage(NULL, "shmapfs-broker.socket");
    put_file("plain", "");
    assert_usage("--socket=plain", "no socket");
    assert_content("plain", "");
}

static const struct CMUnitTest CASES[] = {
    cmocka_unit_test(many_sessions),
    cmocka_unit_test(many_connections),
    cmocka_unit_test(many_files),
    cmocka_unit_test(slow_peer),
    cmocka_unit_test(hanging_file),
    cmocka_unit_test(sessions_end_with_the_broker),
    cmocka_unit_test(limits_of_writing_back),
    cmocka_unit_test(odd_arguments),
};

WORKSPACE_MAIN("broker_limits", CASES)
