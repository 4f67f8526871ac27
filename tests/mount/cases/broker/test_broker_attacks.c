// SPDX-License-Identifier: BSD-2-Clause
/*
 * The attempts that a user may make with a process of root's that registers files for him: files
 * that are not his, devices that are not his, and messages that are none (docs/security.md).
 */
#include "tests/mount/cases/broker/attacker.h"
#include "tests/mount/cases/broker/broker_service.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/keeper/process.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

static void files_of_others(void **state)
{
    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    prepare_file("secret", 0, 0, 0600);
    prepare_file("public", 0, 0, 0644);
    prepare_file("shared", 0, TEAM, 0660);
    prepare_file("own", ALICE, ALICE, 0400);
    // By a descriptor of root's that opens nothing, which anybody gets of any file that he can name
    assert_file(ALICE, open("secret", O_PATH), EACCES);
    assert_file(ALICE, open("secret", O_RDONLY), EACCES);
    assert_file(ALICE, open("public", O_PATH), EACCES);
    assert_file(ALICE, open("public", O_RDONLY), EACCES);
    // Some of the ways to hold one are rights to it.
    assert_file(ALICE, open("secret", O_RDWR), 0);
    assert_file(ALICE, open("own", O_PATH), 0);
    assert_file(BOB, open("own", O_PATH), EACCES);
    int shared = open("shared", O_PATH);
    assert_int_equal(attack_as(ALICE, TEAM, &(struct attack){ .file = shared }), 0);
    assert_int_equal(attack_as(ALICE, STAFF, &(struct attack){ .file = shared }), EACCES);
    assert_ok(close(shared));
    broker_stop(broker);
}

/* Gives a file these of both flags, and leaves its others alone: ext4 would have to store a file
 * otherwise that loses one of its own. */
static bool set_flags(int fd, int flags)
{
    int all;

    if (ioctl(fd, FS_IOC_GETFLAGS, &all) == -1)
        return false;
    all = (all & ~(FS_APPEND_FL | FS_IMMUTABLE_FL)) | flags;
    return ioctl(fd, FS_IOC_SETFLAGS, &all) == 0;
}

static int with_flags(const char *path, int flags)
{
    int fd = open(path, O_RDONLY);

    assert_ok(fd);
    if (!set_flags(fd, flags))
        harness_skip_case("this filesystem has no append-only files");
    close(fd);
    return open(path, O_PATH);
}

/* Files whose writers the kernel holds to something when they open them. */
static void files_of_few_rights(void **state)
{
    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    prepare_file("log", ALICE, ALICE, 0600);
    assert_file(ALICE, with_flags("log", FS_APPEND_FL), EPERM);
    assert_file(ALICE, open("log", O_WRONLY | O_APPEND), EPERM);
    assert_file(ALICE, with_flags("log", FS_IMMUTABLE_FL), EPERM);
    int fd = open("log", O_RDONLY);
    assert_true(set_flags(fd, 0));
    assert_file(ALICE, fd, 0);
    broker_stop(broker);
}

static void no_files(void **state)
{
    int ends[2];

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    assert_ok(chmod(".", 0755));
    assert_ok(mkfifo("fifo", 0666));
    assert_ok(pipe(ends));
    assert_file(ALICE, open(".", O_RDONLY), EINVAL);
    assert_file(ALICE, open(".", O_PATH), EINVAL);
    assert_file(ALICE, open("fifo", O_PATH), EINVAL);
    assert_file(ALICE, open("/dev/null", O_RDWR), EINVAL);
    assert_file(ALICE, ends[0], EINVAL);
    assert_file(ALICE, socket(AF_UNIX, SOCK_STREAM, 0), EINVAL);
    assert_file(ALICE, eventfd(0, 0), EINVAL);
    // A write to these is an order to the kernel, by whoever writes.
    assert_file(ALICE, open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY), EOPNOTSUPP);
    assert_file(ALICE, open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDWR), EOPNOTSUPP);
    assert_file(ALICE, open("/proc/self/oom_score_adj", O_RDWR), EOPNOTSUPP);
    assert_file(ALICE, open("/proc/sys/kernel/core_pattern", O_PATH), EOPNOTSUPP);
    assert_file(ALICE, memfd_create("memory", 0), 0);
    close(ends[1]);
    broker_stop(broker);
}

static int registration_as(uid_t uid, int device, enum broker_verb verb)
{
    int file = memfd_create("memory", 0);
    int result =
        attack_as(uid, 0, &(struct attack){ .file = file, .device = device, .verb = verb });

    assert_ok(close(file));
    return result;
}

static void assert_device_either(uid_t uid, int device, int expected, int other)
{
    const struct attack attacks[] = {
        { .device = device, .verb = BROKER_REGISTER },
        { .device = device, .verb = BROKER_PROBE },
        { .device = device, .verb = BROKER_CLOSE, .id = 1, .file = -1 },
        { .device = device, .verb = BROKER_LIMITS, .file = -1 },
    };

    assert_ok(device);
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        int answer = attacks[i].file < 0 ? attack_as(uid, 0, &attacks[i])
                                         : registration_as(uid, device, attacks[i].verb);
        if (answer != other)
            assert_int_equal(answer, expected);
    }
}

static void assert_device(int device, int expected)
{
    assert_device_either(ALICE, device, expected, expected);
}

static void devices_of_others(void **state)
{
    struct raw_mount alices, bobs;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    prepare_directory("alice", ALICE, ALICE, 0700);
    prepare_directory("bob", BOB, BOB, 0700);
    raw_mount(&alices, "alice", S_IFDIR, ALICE);
    raw_mount(&bobs, "bob", S_IFDIR, BOB);
    assert_device(bobs.device, EPERM);
    assert_device(open("/dev/fuse", O_PATH), ENOTTY);
    assert_device(open("/dev/null", O_RDWR), ENOTTY);
    assert_device(memfd_create("memory", 0), ENOTTY);
    // One that nothing is mounted with
    assert_device(open("/dev/fuse", O_RDWR), ENOTCONN);
    assert_int_equal(registration_as(BOB, alices.device, BROKER_REGISTER), EPERM);
    assert_int_equal(registration_as(ALICE, alices.device, BROKER_PROBE), 0);
    int id = registration_as(ALICE, alices.device, BROKER_REGISTER);
    struct attack closing = { .file = -1, .device = alices.device, .verb = BROKER_CLOSE, .id = id };
    assert_int_equal(attack_as(BOB, 0, &closing), EPERM);
    assert_int_equal(attack_as(ALICE, 0, &closing), 0);
    assert_int_equal(attack_as(ALICE, 0, &closing), ENOENT);
    raw_unmount(&alices);
    raw_unmount(&bobs);
    broker_stop(broker);
}

/* The number of a mount that has gone may be another's at once, but only this case mounts as
 * CAROL. */
static void devices_of_the_gone(void **state)
{
    struct raw_mount gone;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    prepare_directory("gone", CAROL, CAROL, 0700);
    raw_mount(&gone, "gone", S_IFDIR, CAROL);
    assert_ok(umount("gone"));
    assert_device_either(CAROL, gone.device, ENOTCONN, EPERM);
    assert_ok(close(gone.device));
    broker_stop(broker);
}

/* A message that ends the connection, and what it comes with. */
struct nonsense {
    struct broker_question question;
    size_t length;
    unsigned descriptors;
};

static int talk_nonsense(void *argument)
{
    const struct nonsense *nonsense = argument;
    int socket = attacker_connect();
    int files[2] = { memfd_create("one", 0), memfd_create("two", 0) };
    char bytes[64] = { 0 };

    memcpy(bytes, &nonsense->question, sizeof(nonsense->question));
    if (!attacker_send(socket, bytes, nonsense->length, files, nonsense->descriptors))
        return 1;
    return attacker_answer(socket) == NO_ANSWER ? 0 : 2;
}

static void messages_that_are_none(void **state)
{
    enum { SIZE = sizeof(struct broker_question) };
    const struct nonsense all[] = {
        { { BROKER_MAGIC, BROKER_FILE, 1, 0 }, SIZE, 0 },
        { { BROKER_MAGIC, BROKER_FILE, 1, 0 }, SIZE, 2 },
        { { BROKER_MAGIC, BROKER_FILE, 1, 0 }, SIZE - 1, 1 },
        { { BROKER_MAGIC, BROKER_FILE, 1, 0 }, SIZE + 1, 1 },
        { { BROKER_MAGIC, BROKER_FILE, 1, 0 }, 64, 1 },
        { { BROKER_MAGIC, BROKER_FILE, 1, 0 }, 1, 1 },
        { { BROKER_MAGIC + 1, BROKER_FILE, 1, 0 }, SIZE, 1 },
        { { BROKER_MAGIC, BROKER_FILE, 0, 0 }, SIZE, 1 },
        { { BROKER_MAGIC, BROKER_FILE, 1, 1 }, SIZE, 1 },
        { { BROKER_MAGIC, BROKER_CLOSE, 1, 0 }, SIZE, 1 },
        { { BROKER_MAGIC, BROKER_CLOSE, 1, -1 }, SIZE, 1 },
        { { BROKER_MAGIC, 0, 1, 0 }, SIZE, 1 },
        { { BROKER_MAGIC, BROKER_VERBS, 1, 0 }, SIZE, 1 },
        { { BROKER_MAGIC, UINT32_MAX, 1, 0 }, SIZE, 1 },
    };

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int result = harness_as(ALICE, ALICE, 0, NULL, talk_nonsense, (void *)(uintptr_t)&all[i]);
        if (result != 0)
            fail_msg("message %zu: %d", i, result);
    }
    // It serves on.
    assert_file(ALICE, memfd_create("memory", 0), 0);
    broker_stop(broker);
}

/* A device without a file to register */
static void steps_out_of_order(void **state)
{
    struct raw_mount mount;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    prepare_directory("raw", ALICE, ALICE, 0700);
    raw_mount(&mount, "raw", S_IFDIR, ALICE);
    struct attack attack = { .file = -1, .device = mount.device, .verb = BROKER_REGISTER };
    assert_int_equal(attack_as(ALICE, 0, &attack), EINVAL);
    attack.verb = BROKER_PROBE;
    assert_int_equal(attack_as(ALICE, 0, &attack), EINVAL);
    raw_unmount(&mount);
    broker_stop(broker);
}

static int write_a_byte(void *path)
{
    int fd = open(path, O_RDWR);

    return fd >= 0 && pwrite(fd, "x", 1, 0) == 1 ? 0 : errno;
}

/* A write by passthrough is made with the rights that the broker's child had. */
static void writes_clear_setuid(void **state)
{
    struct raw_mount mount;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    prepare_file("program", 0, TEAM, 04770);
    prepare_file("raw", ALICE, ALICE, 0600);
    raw_mount(&mount, "raw", S_IFREG | 0600, ALICE);
    int file = open("program", O_PATH);
    int id = attack_as(
        ALICE, TEAM,
        &(struct attack){ .file = file, .device = mount.device, .verb = BROKER_REGISTER });
    assert_in_range(id, 1, 8);
    pid_t server = raw_serve(&mount, id, false);
    assert_int_equal(as(ALICE, write_a_byte, "raw"), 0);
    assert_content("program", "xontents");
    assert_int_equal(stat_of("program").st_mode & 07777, 0770);
    raw_unmount(&mount);
    kill_and_wait(server);
    assert_ok(close(file));
    broker_stop(broker);
}

static int hold_connection(struct coprocess *parent, void *unused)
{
    (void)unused;
    coprocess_check(setresgid(ALICE, ALICE, ALICE) == 0 && setresuid(ALICE, ALICE, ALICE) == 0);
    int socket = attacker_connect();
    coprocess_check(attacker_ask(socket, BROKER_FILE, memfd_create("memory", 0), 0) == 0);
    coprocess_check(coprocess_give_turn(parent));
    return coprocess_await_turn(parent) ? 0 : 1;
}

static void assert_status_says(pid_t pid, const char *line)
{
    char path[64], text[4096] = "";

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    int fd = open_file(path, O_RDONLY);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    close(fd);
    if (strstr(text, line) == NULL)
        fail_msg("not «%s», but:\n%s", line, text);
}

/* Neither reserved blocks nor anything else that takes a capability is to be had. */
static void rights_of_a_session(void **state)
{
    struct coprocess client;

    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    assert_int_equal(coprocess_start(&client, hold_connection, NULL), 0);
    assert_true(coprocess_await_turn(&client));
    pid_t session = broker_only_child(broker);
    assert_status_says(session, "Uid:\t1000\t1000\t1000\t1000\n");
    assert_status_says(session, "Gid:\t1000\t1000\t1000\t1000\n");
    assert_status_says(session, "Groups:\t \n");
    assert_status_says(session, "CapInh:\t0000000000000000\n");
    assert_status_says(session, "CapPrm:\t0000000000200000\n"); // CAP_SYS_ADMIN
    assert_status_says(session, "CapEff:\t0000000000000000\n");
    assert_status_says(session, "CapBnd:\t0000000000200000\n");
    assert_status_says(session, "CapAmb:\t0000000000000000\n");
    assert_status_says(session, "NoNewPrivs:\t1\n");
#ifdef SHMAPFS_SECCOMP
    assert_status_says(session, "Seccomp:\t2\n");
#endif
    assert_status_says(broker, "NoNewPrivs:\t1\n");
    assert_status_says(broker, "CapPrm:\t00000000002001c0\n");
    assert_true(coprocess_give_turn(&client));
    assert_coprocess_succeeds(&client);
    broker_stop(broker);
}

static int connect_only(void *unused)
{
    int socket = attacker_connect();

    (void)unused;
    return socket < 0 ? -socket : 0;
}

static void those_it_is_not_for(void **state)
{
    (void)state;
    broker_prepare();
    pid_t broker = broker_start(NULL);
    assert_ok(chown(BROKER_SOCKET, 0, TEAM));
    assert_ok(chmod(BROKER_SOCKET, 0660));
    assert_int_equal(as_member(ALICE, TEAM, connect_only, ""), 0);
    assert_int_equal(as_member(BOB, STAFF, connect_only, ""), EACCES);
    // Root with fewer capabilities is not to get one here.
    assert_int_equal(attack_as(0, 0, &(struct attack){ .file = STDIN_FILENO }), EPERM);
    broker_stop(broker);
}

static const struct CMUnitTest CASES[] = {
    cmocka_unit_test(files_of_others),
    cmocka_unit_test(files_of_few_rights),
    cmocka_unit_test(no_files),
    cmocka_unit_test(devices_of_others),
    cmocka_unit_test(devices_of_the_gone),
    cmocka_unit_test(messages_that_are_none),
    cmocka_unit_test(steps_out_of_order),
    cmocka_unit_test(writes_clear_setuid),
    cmocka_unit_test(rights_of_a_session),
    cmocka_unit_test(those_it_is_not_for),
};

WORKSPACE_MAIN("broker_attacks", CASES)
