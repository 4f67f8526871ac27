// SPDX-License-Identifier: BSD-2-Clause
/* One user cannot take the daemon's descriptors from all others. */
#include "tests/mount/cases/space/numbered_files.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/keeper/upgrade.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Without the last ones, which the daemon keeps for itself, the limit leaves 232 for clients. */
enum { LIMIT = 256, FOR_CLIENTS = 232, TRIES = 400, LITTLE = 16 };

/* A user who takes what he can get. */
struct taker {
    uid_t uid;
    unsigned least, most; // so many descriptors he is to get
};

/* Removes directories that he goes on using, until he may do so no more. Returns how many, or
 * `TRIES` + an errno that he should not have got. */
static unsigned take_directories(uid_t uid)
{
    char path[64];
    unsigned taken = 0;

    for (; taken < TRIES; taken++) {
        snprintf(path, sizeof(path), "mnt/%u-%u", uid, taken);
        if ((mkdir(path, 0755) == -1 && errno != EEXIST) || open(path, O_PATH | O_CLOEXEC) == -1)
            return TRIES + (unsigned)errno;
        if (rmdir(path) == -1)
            return errno == ENFILE ? taken : TRIES + (unsigned)errno;
    }
    return taken;
}

/* Does the same with files that he keeps open, half of them without a name. */
static unsigned take_files(uid_t uid)
{
    char path[64];
    unsigned taken = 0;

    for (; taken < TRIES; taken++) {
        snprintf(path, sizeof(path), "mnt/%u-%u", uid, taken);
        if (open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) == -1)
            return errno == ENFILE ? taken : TRIES + (unsigned)errno;
        if (taken % 2 == 0 && unlink(path) == -1)
            return TRIES + (unsigned)errno;
    }
    return taken;
}

/* Opens one directory again and again. */
static unsigned take_streams(uid_t uid)
{
    unsigned taken = 0;

    (void)uid;
    while (taken < TRIES && opendir("mnt") != NULL)
        taken++;
    return taken == TRIES || errno == ENFILE ? taken : TRIES + (unsigned)errno;
}

/* Returns whether he may remove no further directory. */
static bool is_refused(uid_t uid)
{
    char path[64];

    snprintf(path, sizeof(path), "mnt/%u-refused", uid);
    if (mkdir(path, 0755) == -1 && errno != EEXIST)
        return false;
    return rmdir(path) == -1 && errno == ENFILE && exists(path);
}

static int take(struct coprocess *parent, const struct taker *taker,
                unsigned (*take_all)(uid_t uid))
{
    const struct rlimit own = { 2 * TRIES, 2 * TRIES };

    coprocess_check(setrlimit(RLIMIT_NOFILE, &own) == 0);
    coprocess_check(setresgid(taker->uid, taker->uid, taker->uid) == 0);
    coprocess_check(setresuid(taker->uid, taker->uid, taker->uid) == 0);
    unsigned taken = take_all(taker->uid);
    if (taken < taker->least || taken > taker->most)
        fprintf(stderr, "user %u took %u, not %u to %u\n", taker->uid, taken, taker->least,
                taker->most);
    coprocess_check(taken >= taker->least && taken <= taker->most);
    // However often he is asked, and whoever serves.
    while (coprocess_give_turn(parent) && coprocess_await_turn(parent))
        coprocess_check(take_all == take_files || is_refused(taker->uid));
    return 0;
}

static int take_with_directories(struct coprocess *parent, void *taker)
{
    return take(parent, taker, take_directories);
}

static int take_with_files(struct coprocess *parent, void *taker)
{
    return take(parent, taker, take_files);
}

static int take_with_streams(struct coprocess *parent, void *taker)
{
    return take(parent, taker, take_streams);
}

/* The taker has what he can get. */
static void start_taker(struct coprocess *coprocess, coprocess_body *body, struct taker *taker)
{
    assert_int_equal(coprocess_start(coprocess, body, taker), 0);
    assert_true(coprocess_await_turn(coprocess));
}

/* He still has it, and gets no more. */
static void ask_taker(const struct coprocess *coprocess)
{
    assert_true(coprocess_give_turn(coprocess));
    assert_true(coprocess_await_turn(coprocess));
}

/* The work of anybody else: returns 0, or the number of the line that failed. */
static int work_as_ever(void *argument)
{
    char path[64], moved[64], text[8] = "";

    (void)argument;
    for (int i = 0; i < LITTLE; i++) {
        snprintf(path, sizeof(path), "mnt/work%u-%d", geteuid(), i);
        snprintf(moved, sizeof(moved), "mnt/moved%u", geteuid());
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd == -1)
            return __LINE__;
        if (write(fd, "text", 4) != 4 || fsync(fd) == -1 || ftruncate(fd, 3) == -1 ||
            pread(fd, text, sizeof(text), 0) != 3)
            return __LINE__;
        if (rename(path, moved) == -1 || unlink(moved) == -1 || fchmod(fd, 0600) == -1 ||
            close(fd) == -1)
            return __LINE__;
        if (mkdir(path, 0755) == -1 || rmdir(path) == -1)
            return __LINE__;
    }
    DIR *directory = opendir("mnt");
    if (directory == NULL || readdir(directory) == NULL || closedir(directory) == -1)
        return __LINE__;
    return 0;
}

static void assert_works_for(uid_t uid)
{
    assert_int_equal(harness_as(uid, uid, 0, NULL, work_as_ever, NULL), 0);
}

static pid_t mount_with_few(struct workspace *workspace, const char *options)
{
    pid_t keeper = keeper_start(
        workspace, &(struct keeper_settings){ .descriptors = LIMIT, .options = options });

    assert_ok(chmod("mnt", 01777));
    return keeper;
}

static void kill_worker(const struct workspace *workspace, pid_t keeper)
{
    int64_t restarts = read_status_number(workspace, "restarts");

    assert_ok(kill(keeper_worker(keeper), SIGKILL));
    assert_int_equal(read_status_number(workspace, "restarts"), restarts + 1);
}

/* The taker gets no more, and others get what they want, whoever serves the mount. */
static void assert_others_work(const struct workspace *workspace, pid_t keeper,
                               const struct coprocess *taker)
{
    assert_works_for(BOB);
    assert_works_for(0);
    ask_taker(taker);
    kill_worker(workspace, keeper);
    assert_works_for(BOB);
    ask_taker(taker);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_version(workspace, "next");
    assert_works_for(BOB);
    assert_works_for(0);
    ask_taker(taker);
}

static void takes_half(struct workspace *workspace, coprocess_body *body)
{
    struct taker alice = { ALICE, FOR_CLIENTS / 2 - LITTLE, FOR_CLIENTS / 2 };
    struct coprocess taker;

    pid_t keeper = mount_with_few(workspace, NULL);
    int64_t before = read_status_number(workspace, "nodes");
    start_taker(&taker, body, &alice);
    assert_others_work(workspace, keeper, &taker);
    assert_coprocess_succeeds(&taker);
    // It all comes back.
    assert_true(status_becomes(workspace, "open_files", 0));
    assert_true(status_becomes(workspace, "nodes", before + TRIES / 2));
    start_taker(&taker, body, &alice);
    assert_coprocess_succeeds(&taker);
    keeper_stop(workspace, keeper);
}

static void directories_without_names(void **state)
{
    takes_half(workspace_of(state), take_with_directories);
}

static void open_files(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct taker everything = { ALICE, TRIES, TRIES };
    struct coprocess taker;

    if (!workspace->passthrough) {
        takes_half(workspace, take_with_files);
        return;
    }
    // Files that are passed through take no descriptors.
    pid_t keeper = mount_with_few(workspace, NULL);
    start_taker(&taker, take_with_files, &everything);
    assert_works_for(BOB);
    assert_works_for(0);
    kill_worker(workspace, keeper);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_works_for(BOB);
    assert_coprocess_succeeds(&taker);
    keeper_stop(workspace, keeper);
}

static void the_part_is_an_option(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct taker alice = { ALICE, FOR_CLIENTS / 5 - LITTLE, FOR_CLIENTS / 5 };
    struct coprocess taker;

    pid_t keeper = mount_with_few(workspace, "user_descriptors=20%");
    start_taker(&taker, take_with_directories, &alice);
    assert_others_work(workspace, keeper, &taker);
    assert_coprocess_succeeds(&taker);
    keeper_stop(workspace, keeper);
}

/* Gives directories a class of their own, which takes two descriptors for each. */
static int make_class_roots(void *argument)
{
    char path[64];
    int made = 0;

    (void)argument;
    for (; made < FOR_CLIENTS; made++) {
        snprintf(path, sizeof(path), "mnt/top/%d", made);
        if (mkdir(path, 0755) == -1)
            return -errno;
        if (setxattr(path, SHMAP_XATTR_CLASS, "anon", 4, 0) == -1)
            return errno == ENFILE ? made : -errno;
    }
    return made;
}

static int make_one_more(void *argument)
{
    (void)argument;
    if (rmdir("mnt/top/0") == -1)
        return errno;
    return result_of(mkdir("mnt/top/0", 0755) |
                     setxattr("mnt/top/0", SHMAP_XATTR_CLASS, "anon", 4, 0));
}

static void class_roots(void **state)
{
    enum { MOST = FOR_CLIENTS / 4 };
    struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(
        workspace, &(struct keeper_settings){ .descriptors = LIMIT, .with_store = true });
    assert_ok(chmod("mnt", 01777));
    prepare_directory("mnt/top", ALICE, ALICE, 0755);
    assert_in_range(harness_as(ALICE, ALICE, 0, NULL, make_class_roots, NULL), MOST - LITTLE, MOST);
    kill_worker(workspace, keeper);
    assert_works_for(BOB);
    assert_works_for(0);
    // They go with their directories.
    assert_int_equal(harness_as(ALICE, ALICE, 0, NULL, make_one_more, NULL), 0);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_int_equal(harness_as(ALICE, ALICE, 0, NULL, make_one_more, NULL), 0);
    assert_works_for(0);
    keeper_stop(workspace, keeper);
}

/* Not even many users leave root without. */
static void all_users_together(void **state)
{
    enum { ALL = FOR_CLIENTS - FOR_CLIENTS / 8 };
    struct workspace *workspace = workspace_of(state);
    struct taker alice = { ALICE, ALL - LITTLE, ALL }, bob = { BOB, 0, LITTLE };
    struct coprocess takers[2];

    pid_t keeper = mount_with_few(workspace, "user_descriptors=100");
    start_taker(&takers[0], take_with_directories, &alice);
    start_taker(&takers[1], take_with_directories, &bob);
    assert_works_for(0);
    kill_worker(workspace, keeper);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_version(workspace, "next");
    assert_works_for(0);
    ask_taker(&takers[0]);
    ask_taker(&takers[1]);
    // Bob has the pipes to Alice as well.
    assert_coprocess_succeeds(&takers[1]);
    assert_coprocess_succeeds(&takers[0]);
    assert_works_for(BOB);
    keeper_stop(workspace, keeper);
}

/* Where listings take descriptors, a user may leave other users without, but not root. */
static void directory_streams(void **state)
{
    enum { ALL = FOR_CLIENTS - FOR_CLIENTS / 8 };
    struct workspace *workspace = workspace_of(state);
    struct taker alice = { ALICE, ALL - LITTLE, ALL };
    struct coprocess taker;

    pid_t keeper = mount_with_few(workspace, "timeout=0");
    start_taker(&taker, take_with_streams, &alice);
    assert_works_for(0);
    kill_worker(workspace, keeper);
    assert_works_for(0);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_works_for(0);
    assert_coprocess_succeeds(&taker);
    assert_true(status_becomes(workspace, "nodes", LITTLE));
    assert_works_for(BOB);
    keeper_stop(workspace, keeper);
}

/* Not even root makes an upgrade impossible. */
static void root_leaves_room_for_the_daemon(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct taker root = { 0, FOR_CLIENTS - 2 * LITTLE, FOR_CLIENTS };
    struct coprocess taker;

    pid_t keeper = mount_with_few(workspace, NULL);
    start_taker(&taker, take_with_directories, &root);
    kill_worker(workspace, keeper);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_version(workspace, "next");
    ask_taker(&taker);
    assert_coprocess_succeeds(&taker);
    assert_works_for(0);
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(directories_without_names),
    cmocka_unit_test(open_files),
    cmocka_unit_test(the_part_is_an_option),
    cmocka_unit_test(class_roots),
    cmocka_unit_test(directory_streams),
    cmocka_unit_test(all_users_together),
    cmocka_unit_test(root_leaves_room_for_the_daemon),
};

WORKSPACE_MAIN("user_share", cases)
