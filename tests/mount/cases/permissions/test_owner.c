// SPDX-License-Identifier: BSD-2-Clause
// The owner and group of a new file, and the setgid bit that it may get. Run as root, who becomes
// each user.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int make_one_of_each(void *directory)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "socket" };
    if (chdir(directory) < 0)
        return errno;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int nameless = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", nameless);
    if (create_file((char *)"file") != 0 || mkdir("directory", 0755) < 0 ||
        symlink("x", "link") < 0 || mkfifo("fifo", 0600) < 0 ||
        mknod("node", S_IFREG | 0644, 0) < 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || nameless < 0 ||
        linkat(AT_FDCWD, path, AT_FDCWD, "tmpfile", AT_SYMLINK_FOLLOW) < 0)
        return errno;
    return 0;
}

static const char *const each[] = {
    "file", "directory", "link", "fifo", "node", "socket", "tmpfile"
};

enum { EACH = sizeof(each) / sizeof(each[0]) };

static void assert_owners(const char *directory, uid_t uid, gid_t gid)
{
    for (int i = 0; i < EACH; i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s/%s", directory, each[i]);
        struct stat attr = lstat_of(path);
        if (attr.st_uid != uid || attr.st_gid != gid)
            fail_msg("%s belongs to %u:%u instead of %u:%u", path, attr.st_uid, attr.st_gid, uid,
                     gid);
    }
}

static void new_files_belong_to_the_caller(void **state)
{
    (void)state;
    prepare_directory("of_alice", 0, 0, 0777);
    prepare_directory("of_bob", 0, 0, 0777);
    assert_int_equal(as(ALICE, make_one_of_each, "of_alice"), 0);
    assert_int_equal(harness_as(BOB, STAFF, 0, NULL, make_one_of_each, (char *)"of_bob"), 0);
    assert_owners("of_alice", ALICE, ALICE);
    assert_owners("of_bob", BOB, STAFF);
}

static void setgid_directory_hands_on_its_group(void **state)
{
    (void)state;
    prepare_directory("shared", 0, TEAM, 02777);
    assert_int_equal(as(ALICE, make_one_of_each, "shared"), 0);
    assert_owners("shared", ALICE, TEAM);
    assert_int_equal(stat_of("shared/directory").st_mode & 07777, 02755);
    assert_int_equal(stat_of("shared/file").st_mode & 07777, 0644);
    assert_int_equal(as(ALICE, make_directory, "shared/directory/below"), 0);
    assert_int_equal(stat_of("shared/directory/below").st_gid, TEAM);
    assert_int_equal(stat_of("shared/directory/below").st_mode & 07777, 02755);
}

static int create_setgid_program(void *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 02755);
    return fd < 0 ? errno : result_of(close(fd));
}

// A user cannot make a program with the rights of a group that he is not in.
static void setgid_needs_membership(void **state)
{
    (void)state;
    prepare_directory("shared", 0, TEAM, 02777);
    assert_int_equal(as(ALICE, create_setgid_program, "shared/stranger"), 0);
    assert_int_equal(stat_of("shared/stranger").st_mode & 07777, 0755);
    assert_int_equal(as_member(ALICE, TEAM, create_setgid_program, "shared/member"), 0);
    assert_int_equal(stat_of("shared/member").st_mode & 07777, 02755);
}

static int chmod_setgid(void *path)
{
    return result_of(chmod(path, 02755));
}

static void chmod_setgid_needs_membership(void **state)
{
    (void)state;
    prepare_file("file", ALICE, TEAM, 0755);
    assert_int_equal(as(ALICE, chmod_setgid, "file"), 0);
    assert_int_equal(stat_of("file").st_mode & 07777, 0755);
    assert_int_equal(as_member(ALICE, TEAM, chmod_setgid, "file"), 0);
    assert_int_equal(stat_of("file").st_mode & 07777, 02755);
}

static int create_as_filesystem_user(void *path)
{
    setfsgid(STAFF);
    setfsuid(BOB);
    int result = create_file(path);
    setfsuid(0);
    return result;
}

// Servers that act for users change fsuid and fsgid alone.
static void filesystem_identity_counts(void **state)
{
    (void)state;
    prepare_directory("open", 0, 0, 0777);
    prepare_directory("closed", 0, 0, 0755);
    assert_int_equal(as(0, create_as_filesystem_user, "open/file"), 0);
    assert_int_equal(stat_of("open/file").st_uid, BOB);
    assert_int_equal(stat_of("open/file").st_gid, STAFF);
    assert_int_equal(as(0, create_as_filesystem_user, "closed/file"), EACCES);
}

/* A process that makes things again and again. */
struct maker {
    const char *name;
    uid_t uid;
    gid_t gid;
    mode_t umask;
};

enum { ROUNDS = 20 };

static const struct maker makers[] = {
    { "root", 0, 0, 022 },       { "alice", ALICE, ALICE, 077 },       { "bob", BOB, STAFF, 002 },
    { "carol", CAROL, TEAM, 0 }, { "alice-staff", ALICE, STAFF, 027 },
};
enum { MAKERS = sizeof(makers) / sizeof(makers[0]) };

/* The umask counts: 0666 and 0777 are asked for. */
static int make_some(const struct maker *maker, int round)
{
    char file[64], nameless[64], directory[64], link[64], node[64];

    snprintf(file, sizeof(file), "shared/%s-file%d", maker->name, round);
    snprintf(directory, sizeof(directory), "shared/%s-directory%d", maker->name, round);
    snprintf(link, sizeof(link), "shared/%s-link%d", maker->name, round);
    snprintf(node, sizeof(node), "shared/%s-node%d", maker->name, round);
    int error = create_file(file);
    if (error == 0)
        error = make_directory(directory);
    if (error == 0)
        error = result_of(symlink("x", link));
    if (error == 0)
        error = result_of(mknod(node, S_IFREG | 0666, 0));
    if (error != 0)
        return error;
    int fd = open("shared", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno;
    snprintf(nameless, sizeof(nameless), "/proc/self/fd/%d", fd);
    snprintf(file, sizeof(file), "shared/%s-tmpfile%d", maker->name, round);
    error = result_of(linkat(AT_FDCWD, nameless, AT_FDCWD, file, AT_SYMLINK_FOLLOW));
    close(fd);
    return error;
}

static int make_in_turns(struct coprocess *parent, void *argument)
{
    const struct maker *maker = argument;

    coprocess_check(setgroups(0, NULL) == 0 && setgid(maker->gid) == 0 && setuid(maker->uid) == 0);
    umask(maker->umask);
    coprocess_check(coprocess_give_turn(parent));
    for (int round = 0; coprocess_await_turn(parent); round++) {
        coprocess_check(make_some(maker, round) == 0);
        coprocess_check(coprocess_give_turn(parent));
    }
    return 0;
}

static void assert_belongs(const struct maker *maker, const char *kind, int round, mode_t mode)
{
    char path[64];

    snprintf(path, sizeof(path), "shared/%s-%s%d", maker->name, kind, round);
    struct stat attr = lstat_of(path);
    if (attr.st_uid != maker->uid || attr.st_gid != maker->gid)
        fail_msg("%s belongs to %u:%u instead of %u:%u", path, attr.st_uid, attr.st_gid, maker->uid,
                 maker->gid);
    if ((attr.st_mode & 07777) != mode)
        fail_msg("%s has mode %#o instead of %#o", path, attr.st_mode & 07777, mode);
}

static void assert_all_belong(void)
{
    for (int i = 0; i < MAKERS; i++)
        for (int round = 0; round < ROUNDS; round++) {
            assert_belongs(&makers[i], "file", round, 0666 & ~makers[i].umask);
            assert_belongs(&makers[i], "directory", round, 0777 & ~makers[i].umask);
            assert_belongs(&makers[i], "link", round, 0777);
            assert_belongs(&makers[i], "node", round, 0666 & ~makers[i].umask);
            assert_belongs(&makers[i], "tmpfile", round, 0666 & ~makers[i].umask);
        }
}

static void start_makers(struct coprocess coprocesses[MAKERS])
{
    prepare_directory("shared", 0, 0, 0777);
    for (int i = 0; i < MAKERS; i++) {
        assert_int_equal(
            coprocess_start(&coprocesses[i], make_in_turns, (void *)(uintptr_t)&makers[i]), 0);
        assert_true(coprocess_await_turn(&coprocesses[i]));
    }
}

/* Each has the ends of the pipes of those who were started before it. */
static void end_makers(struct coprocess coprocesses[MAKERS])
{
    for (int i = MAKERS - 1; i >= 0; i--)
        assert_coprocess_succeeds(&coprocesses[i]);
}

// The thread that acted for one of them acts for the next.
static void users_who_alternate_are_not_mixed_up(void **state)
{
    struct coprocess coprocesses[MAKERS];

    (void)state;
    start_makers(coprocesses);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < MAKERS; i++) {
            assert_true(coprocess_give_turn(&coprocesses[i]));
            assert_true(coprocess_await_turn(&coprocesses[i]));
        }
    end_makers(coprocesses);
    assert_all_belong();
}

static void users_at_the_same_time_are_not_mixed_up(void **state)
{
    struct coprocess coprocesses[MAKERS];

    (void)state;
    start_makers(coprocesses);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < MAKERS; i++)
            assert_true(coprocess_give_turn(&coprocesses[i]));
        for (int i = 0; i < MAKERS; i++)
            assert_true(coprocess_await_turn(&coprocesses[i]));
    }
    end_makers(coprocesses);
    assert_all_belong();
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(new_files_belong_to_the_caller),
    cmocka_unit_test(setgid_directory_hands_on_its_group),
    cmocka_unit_test(setgid_needs_membership),
    cmocka_unit_test(chmod_setgid_needs_membership),
    cmocka_unit_test(filesystem_identity_counts),
    cmocka_unit_test(users_who_alternate_are_not_mixed_up),
    cmocka_unit_test(users_at_the_same_time_are_not_mixed_up),
};

HARNESS_MAIN("owner", cases)
