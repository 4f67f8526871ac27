// SPDX-License-Identifier: BSD-2-Clause
/* How many system calls the daemon makes for what a client asks, with passthrough: no more than
 * docs/benchmarks.md says. SHMAPFS_TEST_CALLS=1 prints which. */
#include "tests/mount/cases/names/traced_worker.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/users.h"
#include "tests/mount/keeper/keeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 40, PIECES = 40, ROUND_TRIPS = 4, LISTINGS = 4, IDLE_SECONDS = 2, LOOKS = 4 };

/* The places where the client works, and as whom. The last is a directory whose own attributes are
 * in the store, and all that is in it in RAM. */
enum place { RAM_ROOT, RAM_USER, STORE_ROOT, STORE_USER, CLASS_ROOT, PLACES };

static const char *const directories[PLACES] = {
    "mnt/ram/root", "mnt/ram/user", "mnt/root", "mnt/user", "mnt/class",
};

static void name_of(char name[32], const char *kind, unsigned i)
{
    snprintf(name, 32, "%s%u", kind, i);
}

static int open_numbered(unsigned i, int flags)
{
    char name[32];

    name_of(name, "file", i);
    int fd = open(name, flags | O_CLOEXEC, 0666);
    return fd < 0 ? -1 : close(fd);
}

static int create(unsigned i)
{
    return open_numbered(i, O_CREAT | O_EXCL | O_RDWR);
}

static int open_to_read(unsigned i)
{
    return open_numbered(i, O_RDONLY);
}

static int open_to_write(unsigned i)
{
    return open_numbered(i, O_RDWR);
}

static int rename_file(unsigned i)
{
    char name[32], new_name[32];

    name_of(name, "file", i);
    name_of(new_name, "new", i);
    return rename(name, new_name);
}

static int unlink_file(unsigned i)
{
    char name[32];

    name_of(name, "new", i);
    return unlink(name);
}

static int make(unsigned i)
{
    char name[32];

    name_of(name, "dir", i);
    return mkdir(name, 0777);
}

static int remove_directory(unsigned i)
{
    char name[32];

    name_of(name, "dir", i);
    return rmdir(name);
}

/* A listing of all files, after a change. */
static int list(unsigned i)
{
    DIR *dir;

    if (i >= LISTINGS)
        return 0;
    if (close(open("other", O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666)) != 0 ||
        unlink("other") != 0 || (dir = opendir(".")) == NULL)
        return -1;
    while (readdir(dir) != NULL)
        ;
    return closedir(dir);
}

/* Leases for each file: only a file that is open when the ticker looks needs one. */
#define LEASES_MOST 0.5

/* A kind of work, in the order in which each finds what it needs. */
struct kind {
    const char *name;
    int (*piece)(unsigned i);
    unsigned most[PLACES]; // calls for all pieces, in tenths of a piece
};

enum { KINDS = 8 };

static const struct kind kinds[KINDS] = {
    { "create, close", create, { 165, 165, 206, 206, 165 } },
    { "open, close", open_to_read, { 40, 40, 40, 40, 40 } },
    { "open to write, close", open_to_write, { 52, 52, 52, 52, 52 } },
    { "listing of 40 changed", list, { 1300, 1300, 1300, 1300, 1300 } },
    { "rename", rename_file, { 68, 68, 68, 68, 68 } },
    { "unlink", unlink_file, { 81, 81, 81, 81, 81 } },
    { "mkdir", make, { 98, 98, 98, 98, 98 } },
    { "rmdir", remove_directory, { 70, 70, 70, 70, 70 } },
};

static int do_pieces(const struct kind *kind, enum place place)
{
    bool user = place == RAM_USER || place == STORE_USER;

    if (chdir(directories[place]) != 0 ||
        (user && (setgroups(0, NULL) != 0 || setgid(ALICE) != 0 || setuid(ALICE) != 0)))
        return 1;
    umask(022);
    for (unsigned i = 0; i < PIECES; i++)
        if (kind->piece(i) != 0)
            return 2;
    // These find the daemon with nothing else to do, and then it does what nobody waits for.
    struct statvfs vfs;
    for (int i = 0; i < ROUND_TRIPS; i++)
        if (statvfs(".", &vfs) != 0)
            return 3;
    return 0;
}

/* The counts of a kind in each place, for a piece: the least of all rounds. A machine that is
 * busy has the daemon do more, as when a file is open for long. */
struct counts {
    double calls[PLACES];
    double answers[PLACES];
    double leases[PLACES]; // taken by any thread
};

static void count_kind(struct traced_worker *worker, const struct kind *kind, enum place place,
                       struct counts *least)
{
    forget_calls(worker);
    pid_t client = fork();

    if (client == 0)
        _exit(do_pieces(kind, place));
    assert_ok(client);
    assert_int_equal(count_calls_until_end(worker, client), 0);
    unsigned pieces = kind->piece == list ? LISTINGS : PIECES;
    double calls = (double)calls_of_requests(worker) / pieces;
    double leases = (double)calls_of_all(worker, SYS_fcntl) / pieces;
    if (least->calls[place] == 0 || leases < least->leases[place])
        least->leases[place] = leases;
    if (least->calls[place] > 0 && calls >= least->calls[place])
        return;
    least->calls[place] = calls;
    least->answers[place] = (double)answers_of_requests(worker) / pieces;
    if (getenv("SHMAPFS_TEST_CALLS")) {
        print_message("%s in %s\n", kind->name, directories[place]);
        print_calls(worker, pieces);
    }
}

static void print_counts(const struct counts counts[KINDS])
{
    print_message("| calls (answers) | RAM, root | RAM, user | store, root | store, user "
                  "| class root |\n");
    for (int k = 0; k < KINDS; k++) {
        print_message("| %s ", kinds[k].name);
        for (int place = 0; place < PLACES; place++)
            print_message("| %.1f (%.1f), %.1f leases ", counts[k].calls[place],
                          counts[k].answers[place], counts[k].leases[place]);
        print_message("|\n");
    }
}

/* An empty file that a writer has closed is done with: no lease is taken to see who still has it. */
static bool takes_leases(const struct kind *kind, double leases)
{
    return (kind->piece == create || kind->piece == open_to_write) && leases > LEASES_MOST;
}

/* Counts all once more. Returns how many are still more than they may be. */
static unsigned count_round(struct traced_worker *worker, struct counts least[KINDS])
{
    unsigned exceeded = 0;

    for (int k = 0; k < KINDS; k++) {
        for (int place = 0; place < PLACES; place++) {
            count_kind(worker, &kinds[k], (enum place)place, &least[k]);
            exceeded += least[k].calls[place] * 10 > kinds[k].most[place];
            exceeded += takes_leases(&kinds[k], least[k].leases[place]);
        }
    }
    return exceeded;
}

static void prepare_places(void)
{
    make_class_root("mnt/ram", "anon");
    make_class_root(directories[CLASS_ROOT], "anon");
    for (int place = 0; place < CLASS_ROOT; place++) {
        bool user = place == RAM_USER || place == STORE_USER;

        prepare_directory(directories[place], user ? ALICE : 0, user ? ALICE : 0, 0755);
    }
}

static void calls_are_no_more_than_they_were(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    struct traced_worker *worker = calloc(1, sizeof(*worker));
    struct counts least[KINDS] = { 0 };
    unsigned exceeded = 1;

    if (!workspace->passthrough) {
        free(worker);
        return; // Otherwise the daemon opens each file, which is something else.
    }
    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
    prepare_places();
    trace_worker(worker, keeper_worker(keeper));
    for (int round = 0; round < ROUNDS && exceeded > 0; round++)
        exceeded = count_round(worker, least);
    leave_worker(worker);
    free(worker);
    print_counts(least);
    keeper_stop(workspace, keeper);
    if (exceeded > 0)
        fail_msg("%u of these are more than they may be (kinds[])", exceeded);
}

/* How often the threads of a process have gone to sleep. */
static long sleeps_of(pid_t pid)
{
    char path[320], line[128];
    long sum = 0, count;
    struct dirent *task;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    assert_non_null(tasks);
    while ((task = readdir(tasks)) != NULL) {
        snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid, task->d_name);
        FILE *status = task->d_name[0] == '.' ? NULL : fopen(path, "re");
        while (status != NULL && fgets(line, sizeof(line), status) != NULL)
            if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
                sum += count;
        if (status != NULL)
            fclose(status);
    }
    closedir(tasks);
    return sum;
}

/* Returns how often any process of a mount wakes up while nothing happens. */
static long wakes_while_idle(const pid_t processes[], unsigned count)
{
    struct pollfd end = { .fd = (int)syscall(SYS_pidfd_open, processes[0], 0), .events = POLLIN };
    long before = 0, after = 0;

    assert_ok(end.fd);
    for (unsigned i = 0; i < count; i++)
        before += sleeps_of(processes[i]);
    // Nothing is to happen: the keeper does not end.
    assert_int_equal(poll(&end, 1, IDLE_SECONDS * 1000), 0);
    assert_ok(close(end.fd));
    for (unsigned i = 0; i < count; i++)
        after += sleeps_of(processes[i]);
    return after - before;
}

/* Once what follows a request is done, nothing wakes the processes of a mount. */
static void idle_mount_sleeps(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .with_store = true });
    const pid_t processes[] = { keeper, keeper_worker(keeper), keeper_standby(keeper) };
    long wakes = -1;

    put_file("mnt/file", "contents");
    // The first look may find what follows the request still under way.
    for (int look = 0; look < LOOKS && (wakes < 0 || wakes > IDLE_SECONDS); look++)
        wakes = wakes_while_idle(processes, 3);
    print_message("%ld in %d s\n", wakes, IDLE_SECONDS);
    assert_in_range(wakes, 0, IDLE_SECONDS);
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(calls_are_no_more_than_they_were),
    cmocka_unit_test(idle_mount_sleeps),
};

WORKSPACE_MAIN("system_calls", cases)
