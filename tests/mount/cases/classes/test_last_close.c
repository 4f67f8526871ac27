// SPDX-License-Identifier: BSD-2-Clause
/* Files that go with their last user. */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/keeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LIFETIME "user.shmapfs.lifetime"
#define FILE_OF  "mnt/file"

enum { PAGE = 4096, PROCESSES = 4, LEAKERS = 100 };

static bool is_missing(void *path)
{
    return !exists(path);
}

static void assert_goes(const char *path)
{
    char copy[64];

    snprintf(copy, sizeof(copy), "%s", path);
    assert_true(becomes_true(is_missing, copy));
}

/* A file that nobody uses any more, and that was made later, is gone: whoever would have removed
 * the first one by mistake has had the time. */
static void assert_stays(const char *path)
{
    for (int i = 0; i < 3; i++) {
        put_file("mnt/canary", "x");
        assert_goes("mnt/canary");
    }
    assert_true(exists(path));
}

static int make_file(void)
{
    int fd = open(FILE_OF, O_RDWR | O_CREAT, 0600);

    return fd >= 0 && ftruncate(fd, PAGE) == 0 ? fd : -1;
}

/* The ways to use a file. Each returns whether it does; the process keeps it until it ends. */
static bool by_descriptor(void)
{
    return make_file() >= 0;
}

static bool by_mapping(int protection, int flags)
{
    int fd = make_file();

    return fd >= 0 && mmap(NULL, PAGE, protection, flags, fd, 0) != MAP_FAILED && close(fd) == 0;
}

static bool by_shared_mapping(void)
{
    return by_mapping(PROT_READ | PROT_WRITE, MAP_SHARED);
}

static bool by_private_mapping(void)
{
    return by_mapping(PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static bool by_reading_mapping(void)
{
    return by_mapping(PROT_READ, MAP_SHARED);
}

static bool by_message(void)
{
    int ends[2], fd = make_file();
    char control[CMSG_SPACE(sizeof(fd))] = { 0 };
    struct iovec byte = { .iov_base = control, .iov_len = 1 };
    struct msghdr message = {
        .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
    };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    if (fd < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return false;
    *header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(fd)),
                                .cmsg_level = SOL_SOCKET,
                                .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(header), &fd, sizeof(fd));
    return sendmsg(ends[0], &message, 0) == 1 && close(fd) == 0;
}

static bool (*const HOLDERS[])(void) = {
    by_descriptor, by_shared_mapping, by_private_mapping, by_reading_mapping, by_message,
};

static int hold(struct coprocess *parent, void *argument)
{
    bool (*const *holder)(void) = argument;

    coprocess_check((*holder)());
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    return 0;
}

static void each_kind_of_user_keeps_a_file(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess holder;

    workspace_mount(workspace, false, "size=4m,lifetime=last-close");
    need_user_attributes("mnt");
    for (size_t i = 0; i < 2 * sizeof(HOLDERS) / sizeof(HOLDERS[0]); i++) {
        bool (*way)(void) = HOLDERS[i / 2];

        assert_int_equal(coprocess_start(&holder, hold, &way), 0);
        assert_true(coprocess_await_turn(&holder));
        assert_stays(FILE_OF);
        if (i % 2) {
            assert_ok(kill(holder.pid, SIGKILL));
            assert_int_equal(coprocess_end(&holder), 128 + SIGKILL);
        } else {
            assert_true(coprocess_give_turn(&holder));
            assert_coprocess_succeeds(&holder);
        }
        assert_goes(FILE_OF);
    }
    workspace_unmount(workspace);
}

static void names_change_as_usual(void **state)
{
    struct workspace *workspace = workspace_of(state);
    int fd;

    workspace_mount(workspace, false, "size=4m,lifetime=last-close");
    need_user_attributes("mnt");
    fd = open_file(FILE_OF, O_RDWR | O_CREAT);
    assert_int_equal(link(FILE_OF, "mnt/link"), -1);
    assert_int_equal(errno, EPERM);
    assert_ok(mkdir("mnt/dir", 0700));
    assert_ok(rename(FILE_OF, "mnt/dir/renamed"));
    assert_stays("mnt/dir/renamed");
    assert_ok(close(fd));
    assert_goes("mnt/dir/renamed");
    put_file("mnt/dir/inherited", "x");
    assert_goes("mnt/dir/inherited");
    fd = open_file(FILE_OF, O_RDWR | O_CREAT);
    assert_ok(unlink(FILE_OF));
    assert_ok(close(fd));
    assert_ok(rmdir("mnt/dir"));
    workspace_unmount(workspace);
}

static void assert_set(const char *path, const char *value, int error)
{
    int result = setxattr(path, LIFETIME, value, strlen(value), 0);

    assert_int_equal(result == 0 ? 0 : errno, error);
}

static void assert_lifetime(const char *path, const char *value)
{
    char found[64] = "";

    assert_true(getxattr(path, LIFETIME, found, sizeof(found) - 1) >= 0);
    assert_string_equal(found, value);
}

static void the_attribute_takes_lifetimes_alone(void **state)
{
    static const char *const wrong[] = { "",
                                         "forever",
                                         "last-close,",
                                         "last-close,linger=",
                                         "last-close,linger=-1",
                                         "last-close,linger=86401",
                                         "last-close,linger=5s" };
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "size=4m");
    need_user_attributes("mnt");
    put_file(FILE_OF, "x");
    assert_lifetime("mnt", "mount");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_set("mnt", wrong[i], EINVAL);
    assert_lifetime("mnt", "mount");
    assert_set(FILE_OF, "last-close", ENOTDIR);
    assert_set("mnt", "last-close,linger=86400", 0);
    assert_lifetime("mnt", "last-close,linger=86400");
    put_file("mnt/lingers", "x");
    assert_lifetime("mnt/lingers", "last-close,linger=86400");
    assert_set("mnt", "last-close", 0);
    assert_stays("mnt/lingers");
    assert_true(exists(FILE_OF));
    assert_ok(removexattr("mnt", LIFETIME));
    put_file("mnt/other", "x");
    assert_lifetime("mnt/other", "mount");
    workspace_unmount(workspace);
}

static void a_store_keeps_the_lifetime_of_a_class_root(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, true, "size=4m,anon=a,lifetime=last-close,linger=7");
    need_user_attributes("mnt/a");
    assert_lifetime("mnt/a", "last-close,linger=7");
    assert_set("mnt", "last-close", EINVAL);
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "size=4m");
    assert_lifetime("mnt/a", "last-close,linger=7");
    assert_set("mnt/a", "last-close", 0);
    put_file("mnt/a/file", "x");
    assert_goes("mnt/a/file");
    workspace_unmount(workspace);
    workspace_mount(workspace, true, "size=4m,anon=a,lifetime=mount");
    assert_lifetime("mnt/a", "mount");
    workspace_unmount(workspace);
}

static int leak(struct coprocess *parent, void *argument)
{
    const int *number = argument;
    char name[32];
    int fd;

    (void)parent;
    snprintf(name, sizeof(name), "mnt/segment.%d", *number);
    fd = open(name, O_RDWR | O_CREAT, 0600);
    coprocess_check(fd >= 0 && ftruncate(fd, PAGE) == 0);
    char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check(page != MAP_FAILED && close(fd) == 0);
    *page = 'x';
    coprocess_check(coprocess_give_turn(parent));
    pause();
    return 0;
}

static bool is_empty(void *path)
{
    DIR *dir = opendir(path);
    unsigned entries = 0;

    while (dir && readdir(dir))
        entries++;
    if (dir)
        closedir(dir);
    return entries == 2;
}

static void killed_processes_leave_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess leakers[LEAKERS];
    pid_t keeper;

    keeper = keeper_start(workspace,
                          &(struct keeper_settings){ .options = "size=8m,lifetime=last-close" });
    need_user_attributes("mnt");
    for (int i = 0; i < LEAKERS; i++) {
        assert_int_equal(coprocess_start(&leakers[i], leak, &i), 0);
        assert_true(coprocess_await_turn(&leakers[i]));
    }
    // A worker that comes later knows of them, too.
    assert_ok(kill(keeper_worker(keeper), SIGKILL));
    assert_stays("mnt/segment.0");
    for (int i = 0; i < LEAKERS; i++) {
        assert_ok(kill(leakers[i].pid, SIGKILL));
        assert_int_equal(coprocess_end(&leakers[i]), 128 + SIGKILL);
    }
    assert_true(becomes_true(is_empty, workspace->mnt));
    keeper_stop(workspace, keeper);
}

/* Opens the name twice, the second time while the first mapping is there: both are one object. */
static int meet(int number, int round)
{
    int fd = open(FILE_OF, O_RDWR | O_CREAT, 0600);
    struct stat first, second;

    coprocess_check(fd >= 0 && ftruncate(fd, PAGE) == 0 && fstat(fd, &first) == 0);
    volatile int *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check((void *)page != MAP_FAILED && close(fd) == 0);
    fd = open(FILE_OF, O_RDWR);
    coprocess_check(fd >= 0 && fstat(fd, &second) == 0 && first.st_ino == second.st_ino);
    const volatile int *again = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    coprocess_check((const void *)again != MAP_FAILED && close(fd) == 0);
    page[number] = round;
    coprocess_check(again[number] == round);
    munmap((void *)(uintptr_t)page, PAGE);
    munmap((void *)(uintptr_t)again, PAGE);
    return 0;
}

static int meet_often(struct coprocess *parent, void *argument)
{
    const char *wanted = getenv("SHMAPFS_TEST_ROUNDS");
    int rounds = wanted ? atoi(wanted) : 500;

    (void)parent;
    for (int i = 1; i <= rounds; i++) {
        if (meet(*(const int *)argument, i) != 0)
            return 1;
    }
    return 0;
}

static void one_name_is_one_object(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess processes[PROCESSES];
    pid_t keeper;

    keeper = keeper_start(workspace,
                          &(struct keeper_settings){ .options = "size=8m,lifetime=last-close" });
    need_user_attributes("mnt");
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(coprocess_start(&processes[i], meet_often, &i), 0);
    for (int i = 0; i < 3; i++)
        assert_ok(kill(keeper_worker(keeper), SIGKILL));
    for (int i = 0; i < PROCESSES; i++)
        assert_coprocess_succeeds(&processes[i]);
    assert_goes(FILE_OF);
    keeper_stop(workspace, keeper);
}

/* A worker that dies in the middle of a removal leaves neither the name nor the object. */
static void a_removal_is_finished_after_a_death(void **state)
{
    static const char *const points[] = { "in-removal", "after-removal" };
    struct workspace *workspace = workspace_of(state);
    pid_t keeper =
        keeper_start(workspace, &(struct keeper_settings){ .variable = "SHMAPFS_FAULTS",
                                                           .options = "size=8m,lifetime=last-close",
                                                           .stops_at_points = true });

    need_user_attributes("mnt");
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        pid_t worker = keeper_worker(keeper);
        int fd = open_file(FILE_OF, O_RDWR | O_CREAT);
        ino_t before = fstat_of(fd).st_ino;

        arm_point(points[i]);
        assert_ok(close(fd));
        await_stop(worker);
        kill_and_wait(worker);
        assert_int_equal(open(FILE_OF, O_RDONLY), -1);
        assert_int_equal(errno, ENOENT);
        assert_goes(FILE_OF);
        fd = open_file(FILE_OF, O_RDWR | O_CREAT | O_EXCL);
        assert_int_not_equal(fstat_of(fd).st_ino, before);
        assert_stays(FILE_OF);
        assert_ok(close(fd));
        assert_goes(FILE_OF);
    }
    keeper_stop(workspace, keeper);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(each_kind_of_user_keeps_a_file),
        cmocka_unit_test(names_change_as_usual),
        cmocka_unit_test(the_attribute_takes_lifetimes_alone),
        cmocka_unit_test(a_store_keeps_the_lifetime_of_a_class_root),
        cmocka_unit_test(killed_processes_leave_nothing),
        cmocka_unit_test(one_name_is_one_object),
        cmocka_unit_test(a_removal_is_finished_after_a_death),
    };

    return workspace_main(argc, argv, "last_close", cases, sizeof(cases) / sizeof(cases[0]));
}
