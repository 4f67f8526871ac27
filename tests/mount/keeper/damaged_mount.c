// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/damaged_mount.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/damage.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/load/load.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = 5000, ROUNDS = 5, MOUNT_ENDED = 2 };

/* In a client: checks that a call works, or the mount has ended. */
#define DO(call)                                           \
    do {                                                   \
        if ((long)(call) == -1) {                          \
            if (ended())                                   \
                return MOUNT_ENDED;                        \
            coprocess_complain(__FILE__, __LINE__, #call); \
            return EXIT_FAILURE;                           \
        }                                                  \
    } while (0)

/* The contents of a file, which differ in every byte from those before. */
static void make_contents(char bytes[BYTES], unsigned client, unsigned file, unsigned version)
{
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(version * 7 + client * 64 + file * 16 + i);
}

static bool ended(void)
{
    return errno == ENOTCONN || errno == ECONNABORTED;
}

static int use_file(struct damaged_client *client, int directory, unsigned number, unsigned file)
{
    char name[16], other[16], wanted[BYTES], found[BYTES];
    unsigned version = client->written[file];
    struct stat attr;
    int fd;

    snprintf(name, sizeof(name), "%u.%u", number, file);
    snprintf(other, sizeof(other), "%u.other", number);
    make_contents(wanted, number, file, version);
    DO(fd = openat(directory, name, O_RDWR));
    DO(pread(fd, found, BYTES, 0));
    coprocess_check(memcmp(found, wanted, BYTES) == 0);
    make_contents(wanted, number, file, version + 1);
    client->intended[file] = version + 1;
    DO(pwrite(fd, wanted, BYTES, 0));
    client->written[file] = version + 1;
    DO(renameat(directory, name, directory, other));
    DO(fstatat(directory, other, &attr, 0));
    coprocess_check(attr.st_size == BYTES);
    DO(renameat(directory, other, directory, name));
    DO(mkdirat(directory, other, 0755));
    DO(unlinkat(directory, other, AT_REMOVEDIR));
    DO(close(fd));
    return EXIT_SUCCESS;
}

static int do_round(struct damaged_client *client, int directory, unsigned number)
{
    int status = EXIT_SUCCESS;

    for (unsigned i = 0; status == EXIT_SUCCESS && !client->stop; i++) {
        status = use_file(client, directory, number, i % FILES);
        client->rounds++;
        event_count_advance(&client->news);
    }
    client->done = true;
    event_count_advance(&client->news);
    return status;
}

int open_memory(pid_t keeper, const char *name)
{
    char path[64], target[64];

    for (int fd = 0; fd < 256; fd++) {
        snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)keeper, fd);
        ssize_t length = readlink(path, target, sizeof(target) - 1);
        if (length < 0)
            continue;
        target[length] = '\0';
        if (strncmp(target, "/memfd:", 7) == 0 && strncmp(target + 7, name, strlen(name)) == 0)
            return open_file(path, O_RDWR);
    }
    fail_msg("the keeper has no %s", name);
    return -1;
}

static uint8_t *map_memory(pid_t keeper, const char *name, size_t *bytes)
{
    int fd = open_memory(keeper, name);
    *bytes = (size_t)size_of(fd);
    uint8_t *memory = (uint8_t *)map_shared(fd, *bytes);

    assert_ok(close(fd));
    return memory;
}

static void prepare_files(const struct damaged_mount *damaged)
{
    char path[64], bytes[BYTES];

    for (unsigned number = 0; number < CLIENTS; number++) {
        for (unsigned file = 0; file < FILES; file++) {
            snprintf(path, sizeof(path), "mnt/%u.%u", number, file);
            int fd = open_file(path, O_WRONLY | O_CREAT);
            make_contents(bytes, number, file, damaged->client[number].written[file]);
            assert_int_equal(write(fd, bytes, BYTES), BYTES);
            assert_ok(close(fd));
        }
    }
}

static void start_clients(struct damaged_mount *damaged)
{
    fflush(NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        damaged->clients[i] = fork();
        if (damaged->clients[i] == 0) {
            int directory = open("mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            _exit(do_round(&damaged->client[i], directory, i));
        }
        assert_ok(damaged->clients[i]);
    }
}

void damaged_mount_start(struct damaged_mount *damaged, const struct workspace *workspace,
                         enum moment moment)
{
    struct keeper_settings settings = { .with_store = true, .stops_at_points = moment >= EXECUTED };

    if (settings.stops_at_points)
        settings.variable = "SHMAPFS_FAULTS";
    *damaged = (struct damaged_mount){ .workspace = workspace };
    damaged->client = load_memory(CLIENTS * sizeof(*damaged->client));
    damaged->keeper = keeper_start(workspace, &settings);
    damaged->state = map_memory(damaged->keeper, "shmapfs-state", &damaged->state_bytes);
    damaged->table = map_memory(damaged->keeper, "shmapfs-nodes", &damaged->table_bytes);
    prepare_files(damaged);
    start_clients(damaged);
}

void await_rounds(const struct damaged_mount *damaged)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct damaged_client *client = &damaged->client[i];
        unsigned target = client->rounds + ROUNDS;
        uint32_t seen = event_count_read(&client->news);
        while (client->rounds < target && !client->done) {
            clock_gettime(CLOCK_MONOTONIC, &now);
            if (now.tv_sec - start.tv_sec > WAIT_SECONDS)
                fail_msg("client %u hangs", i);
            event_count_await(&client->news, seen);
            seen = event_count_read(&client->news);
        }
    }
}

/* Ends the load; returns whether the mount has ended. */
static bool end_clients(const struct damaged_mount *damaged)
{
    bool any = false;

    for (unsigned i = 0; i < CLIENTS; i++)
        damaged->client[i].stop = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        int status = wait_for_process(damaged->clients[i]);
        assert_true(status == EXIT_SUCCESS || status == MOUNT_ENDED);
        any = any || status == MOUNT_ENDED;
    }
    return any;
}

/* Asserts that the store holds what the clients wrote, and empties it for the next mount. */
static void check_store(const struct damaged_mount *damaged)
{
    char path[64], bytes[BYTES], found[BYTES];

    for (unsigned number = 0; number < CLIENTS; number++) {
        const struct damaged_client *client = &damaged->client[number];
        for (unsigned file = 0; file < FILES; file++) {
            snprintf(path, sizeof(path), "store/%u.%u", number, file);
            if (!exists(path)) // the mount ended between two renames
                snprintf(path, sizeof(path), "store/%u.other", number);
            int fd = open_file(path, O_RDONLY);
            assert_int_equal(read(fd, found, BYTES), BYTES);
            assert_ok(close(fd));
            make_contents(bytes, number, file, client->written[file]);
            if (memcmp(found, bytes, BYTES) != 0)
                make_contents(bytes, number, file, client->intended[file]);
            assert_memory_equal(found, bytes, BYTES);
        }
    }
    struct program_result result = run_program("find", "store", "-mindepth", "1", "-delete", NULL);
    assert_done(&result);
}

void kill_worker(const struct damaged_mount *damaged)
{
    pid_t worker = keeper_child(damaged->keeper, " serves ");

    if (worker != 0 && kill(worker, SIGKILL) == 0)
        await_end(worker);
}

static void end_noticed(const struct damaged_mount *damaged)
{
    assert_int_equal(wait_for_process(damaged->keeper), EXIT_FAILURE);
    assert_false(workspace_is_mounted(damaged->workspace->mnt));
    assert_int_equal(log_lines("is damaged"), 1);
    assert_int_equal(log_lines("workers died"), 0);
    workspace_await_children();
}

bool damaged_mount_end(struct damaged_mount *damaged)
{
    bool noticed = end_clients(damaged);

    if (noticed)
        end_noticed(damaged);
    else
        keeper_stop(damaged->workspace, damaged->keeper);
    check_store(damaged);
    assert_ok(munmap(damaged->state, damaged->state_bytes));
    assert_ok(munmap(damaged->table, damaged->table_bytes));
    assert_ok(munmap(damaged->client, CLIENTS * sizeof(*damaged->client)));
    assert_ok(unlink("log"));
    return noticed;
}
