// SPDX-License-Identifier: BSD-2-Clause
/* Files that go with their last user, while processes die: those that use them, and those that
 * serve them. */
#include "tests/mount/cases/classes/last_close.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/upgrade.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PROCESSES = 4, NAMES = 3, LEAKERS = 100 };

static int leak(struct coprocess *parent, void *argument)
{
    const int *number = argument;
    char name[32];
    int fd;

    (void)parent;
    snprintf(name, sizeof(name), "mnt/segment.%d", *number);
    fd = open(name, O_RDWR | O_CREAT, 0600);
    coprocess_check(fd >= 0 && ftruncate(fd, page_size()) == 0);
    char *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
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

static pid_t start_with_lifetime(struct workspace *workspace)
{
    need_user_attributes("/dev/shm");
    return keeper_start(workspace,
                        &(struct keeper_settings){ .options = "size=8m,lifetime=last-close" });
}

static void killed_processes_leave_nothing(void **state)
{
    struct workspace *workspace = workspace_of(state);
    struct coprocess leakers[LEAKERS];
    pid_t keeper = start_with_lifetime(workspace);

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

static char *name_to_meet_at(int number, char path[32])
{
    snprintf(path, 32, USED_FILE ".%d", number % NAMES);
    return path;
}

/* Opens a name twice, the second time while the first mapping is there: both are one object. With
 * several names, more of them go while somebody opens one. */
static int meet(int number, int round)
{
    char path[32];
    int fd = open(name_to_meet_at(round, path), O_RDWR | O_CREAT, 0600);
    struct stat first, second;

    coprocess_check(fd >= 0 && ftruncate(fd, page_size()) == 0 && fstat(fd, &first) == 0);
    volatile int *page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    coprocess_check((void *)page != MAP_FAILED && close(fd) == 0);
    fd = open(path, O_RDWR);
    coprocess_check(fd >= 0 && fstat(fd, &second) == 0 && first.st_ino == second.st_ino);
    const volatile int *again = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0);
    coprocess_check((const void *)again != MAP_FAILED && close(fd) == 0);
    page[number] = round;
    coprocess_check(again[number] == round);
    munmap((void *)(uintptr_t)page, page_size());
    munmap((void *)(uintptr_t)again, page_size());
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
    pid_t keeper = start_with_lifetime(workspace);
    char path[32];

    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(coprocess_start(&processes[i], meet_often, &i), 0);
    for (int i = 0; i < 3; i++)
        assert_ok(kill(keeper_worker(keeper), SIGKILL));
    for (int i = 0; i < PROCESSES; i++)
        assert_coprocess_succeeds(&processes[i]);
    for (int i = 0; i < NAMES; i++)
        assert_goes(name_to_meet_at(i, path));
    keeper_stop(workspace, keeper);
}

/* A worker that dies in the middle of a removal leaves neither the name nor the object. */
static void a_removal_is_finished_after_a_death(void **state)
{
    need_user_attributes("/dev/shm");

    static const char *const points[] = { "in-removal", "after-removal" };
    struct workspace *workspace = workspace_of(state);
    pid_t keeper =
        keeper_start(workspace, &(struct keeper_settings){ .variable = "SHMAPFS_FAULTS",
                                                           .options = "size=8m,lifetime=last-close",
                                                           .stops_at_points = true });

    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        pid_t worker = keeper_worker(keeper);
        int fd = open_file(USED_FILE, O_RDWR | O_CREAT);
        ino_t before = fstat_of(fd).st_ino;

        arm_point(points[i]);
        assert_ok(close(fd));
        await_stop(worker);
        kill_and_wait(worker);
        assert_int_equal(open(USED_FILE, O_RDONLY), -1);
        assert_int_equal(errno, ENOENT);
        assert_goes(USED_FILE);
        fd = open_file(USED_FILE, O_RDWR | O_CREAT | O_EXCL);
        assert_int_not_equal(fstat_of(fd).st_ino, before);
        assert_stays(USED_FILE);
        assert_ok(close(fd));
        assert_goes(USED_FILE);
    }
    keeper_stop(workspace, keeper);
}

/* The body of a process that has the file until its next turn. */
static int keep_file(struct coprocess *parent, void *argument)
{
    int fd = open_used_file();

    (void)argument;
    coprocess_check(fd >= 0);
    coprocess_check(coprocess_give_turn(parent) && coprocess_await_turn(parent));
    coprocess_check(close(fd) == 0);
    return 0;
}

/* Has a process make the file and close it. The worker dies at one point meanwhile, or not at
 * all. */
static void make_and_close(pid_t keeper, const char *while_made, const char *while_closed)
{
    struct coprocess user;
    pid_t worker = keeper_worker(keeper);

    if (while_made)
        arm_point(while_made);
    assert_int_equal(coprocess_start(&user, keep_file, NULL), 0);
    if (while_made) {
        await_stop(worker);
        kill_and_wait(worker);
        worker = keeper_worker(keeper);
    }
    assert_true(coprocess_await_turn(&user));
    assert_stays(USED_FILE);
    assert_lifetime(USED_FILE, "last-close");
    if (while_closed)
        arm_point(while_closed);
    assert_true(coprocess_give_turn(&user));
    if (while_closed) {
        await_stop(worker);
        kill_and_wait(worker);
    }
    assert_coprocess_succeeds(&user);
    assert_goes(USED_FILE);
}

static void deaths_while_a_file_is_made_or_closed(void **state)
{
    need_user_attributes("/dev/shm");

    struct workspace *workspace = workspace_of(state);
    pid_t keeper =
        keeper_start(workspace, &(struct keeper_settings){ .variable = "SHMAPFS_FAULTS",
                                                           .options = "size=8m,lifetime=last-close",
                                                           .stops_at_points = true });

    make_and_close(keeper, "after-read", NULL);
    make_and_close(keeper, "before-execution", NULL);
    make_and_close(keeper, "after-execution", NULL);
    make_and_close(keeper, "after-reply", NULL);
    make_and_close(keeper, NULL, "after-read");
    make_and_close(keeper, NULL, "before-execution");
    make_and_close(keeper, NULL, "after-reply");
    keeper_stop(workspace, keeper);
}

static void an_upgrade_keeps_what_is_used(void **state)
{
    need_user_attributes("/dev/shm");

    struct workspace *workspace = workspace_of(state);
    pid_t keeper =
        keeper_start(workspace, &(struct keeper_settings){ .options = "lifetime=last-close" });
    char *mapping;
    int fd;

    assert_ok(mkdir("mnt/dir", 0755));
    assert_set_lifetime("mnt/dir", "last-close,linger=2", 0);
    put_file("mnt/dir/lingers", "x");
    fd = open_used_file();
    assert_true(fd >= 0);
    mapping = map_path(USED_FILE, page_size());
    assert_ok(close(fd));
    fd = open_file("mnt/open", O_RDWR | O_CREAT);
    assert_ok(upgrade_mount(workspace, binary_in("SHMAPFS_NEXT")));
    assert_stays(USED_FILE);
    assert_true(exists("mnt/open"));
    assert_true(exists("mnt/dir/lingers"));
    unmap(mapping, page_size());
    assert_goes(USED_FILE);
    assert_ok(close(fd));
    assert_goes("mnt/open");
    // Nobody has touched it since.
    assert_goes("mnt/dir/lingers");
    keeper_stop(workspace, keeper);
}

/* More closes than the kernel's queue has room for: 16,384. Those of one process are one for each
 * file. */
enum { MAPPERS = 132, MAPPED_FILES = 128 };

static int map_many(struct coprocess *parent, void *argument)
{
    char path[32];

    (void)argument;
    for (int i = 0; i < MAPPED_FILES; i++) {
        int fd;

        snprintf(path, sizeof(path), "mnt/many.%d", i);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        coprocess_check(fd >= 0);
        coprocess_check(mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
        coprocess_check(close(fd) == 0);
    }
    coprocess_check(coprocess_give_turn(parent));
    pause();
    return 0;
}

/* Returns how many files a process watches. */
static unsigned count_watched(pid_t pid)
{
    char path[64], line[256];
    unsigned count = 0;

    for (int fd = 0; fd < 256; fd++) {
        FILE *info;

        snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
        info = fopen(path, "r");
        while (info && fgets(line, sizeof(line), info))
            count += strncmp(line, "fanotify ino:", 13) == 0;
        if (info)
            fclose(info);
    }
    return count;
}

static bool watches_all(void *pid)
{
    return count_watched(*(pid_t *)pid) == MAPPED_FILES + 1;
}

static void lost_events_lose_no_file(void **state)
{
    need_user_attributes("/dev/shm");

    struct workspace *workspace = workspace_of(state);
    struct coprocess mappers[MAPPERS];
    pid_t keeper =
        keeper_start(workspace, &(struct keeper_settings){ .options = "lifetime=last-close" });
    pid_t worker = keeper_worker(keeper);
    char path[32], *last;
    int fd;

    // Elsewhere there are no events.
    if (!workspace->passthrough) {
        keeper_stop(workspace, keeper);
        return;
    }
    fd = open_used_file();
    assert_true(fd >= 0);
    last = map_shared(fd, page_size());
    assert_ok(close(fd));
    for (int i = 0; i < MAPPERS; i++) {
        assert_int_equal(coprocess_start(&mappers[i], map_many, NULL), 0);
        assert_true(coprocess_await_turn(&mappers[i]));
    }
    assert_true(becomes_true(watches_all, &worker));
    stop_process(worker);
    for (int i = 0; i < MAPPERS; i++) {
        assert_ok(kill(mappers[i].pid, SIGKILL));
        assert_int_equal(coprocess_end(&mappers[i]), 128 + SIGKILL);
    }
    // The queue is full: of this one nothing tells.
    unmap(last, page_size());
    assert_ok(kill(worker, SIGCONT));
    for (int i = 0; i < MAPPED_FILES; i++) {
        snprintf(path, sizeof(path), "mnt/many.%d", i);
        assert_goes(path);
    }
    put_file("mnt/later", "x");
    assert_goes("mnt/later");
    assert_false(exists(USED_FILE));
    keeper_stop(workspace, keeper);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        cmocka_unit_test(killed_processes_leave_nothing),
        cmocka_unit_test(one_name_is_one_object),
        cmocka_unit_test(a_removal_is_finished_after_a_death),
        cmocka_unit_test(deaths_while_a_file_is_made_or_closed),
        cmocka_unit_test(an_upgrade_keeps_what_is_used),
        cmocka_unit_test(lost_events_lose_no_file),
    };

    return workspace_main(argc, argv, "last_close_deaths", cases, sizeof(cases) / sizeof(cases[0]));
}
