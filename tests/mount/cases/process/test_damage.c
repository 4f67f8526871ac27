// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bytes of a mount's shared memory are not what they were. Either everything is answered right all
 * the same, or the mount ends and says why. Nobody ever gets wrong data. What the node table
 * notices by itself is in the unit tests.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/damage.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/load/event_count.h"
#include "tests/mount/load/load.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CLIENTS = 2,
    FILES = 4,
    BYTES = 5000,
    ROUNDS = 5,
    MOUNT_ENDED = 2,
    RANDOM_FLIPS = 12,
    ATTEMPTS = 8
};

/* A client, in memory that it shares with the case. */
struct client {
    struct event_count news;
    atomic_uint rounds;
    atomic_bool stop, done;
    atomic_uint written[FILES];  // which contents a file has
    atomic_uint intended[FILES]; // or has, if the call that gives it them has come that far
};

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

static int use_file(struct client *client, int directory, unsigned number, unsigned file)
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

static int do_round(struct client *client, int directory, unsigned number)
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

enum moment { SERVING, STOPPED, EXECUTED, ANSWERING };

/* The mount of a case, its memory, and those who use it. */
struct patient {
    const struct workspace *workspace;
    pid_t keeper, clients[CLIENTS];
    struct client *client;
    uint8_t *state, *table;
    size_t state_bytes, table_bytes;
};

/* A memory of the mount, through the keeper's descriptor of it. */
static int open_memory(pid_t keeper, const char *name)
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

static void prepare_files(const struct patient *patient)
{
    char path[64], bytes[BYTES];

    for (unsigned number = 0; number < CLIENTS; number++) {
        for (unsigned file = 0; file < FILES; file++) {
            snprintf(path, sizeof(path), "mnt/%u.%u", number, file);
            int fd = open_file(path, O_WRONLY | O_CREAT);
            make_contents(bytes, number, file, patient->client[number].written[file]);
            assert_int_equal(write(fd, bytes, BYTES), BYTES);
            assert_ok(close(fd));
        }
    }
}

static void start_clients(struct patient *patient)
{
    fflush(NULL);
    for (unsigned i = 0; i < CLIENTS; i++) {
        patient->clients[i] = fork();
        if (patient->clients[i] == 0) {
            int directory = open("mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            _exit(do_round(&patient->client[i], directory, i));
        }
        assert_ok(patient->clients[i]);
    }
}

static void admit(struct patient *patient, const struct workspace *workspace, enum moment moment)
{
    struct keeper_settings settings = { .with_store = true, .stops_at_points = moment >= EXECUTED };

    if (settings.stops_at_points)
        settings.variable = "SHMAPFS_FAULTS";
    *patient = (struct patient){ .workspace = workspace };
    patient->client = load_memory(CLIENTS * sizeof(*patient->client));
    patient->keeper = keeper_start(workspace, &settings);
    patient->state = map_memory(patient->keeper, "shmapfs-state", &patient->state_bytes);
    patient->table = map_memory(patient->keeper, "shmapfs-nodes", &patient->table_bytes);
    prepare_files(patient);
    start_clients(patient);
}

static void await_rounds(const struct patient *patient)
{
    struct timespec start, now;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct client *client = &patient->client[i];
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
static bool dismiss_clients(const struct patient *patient)
{
    bool any = false;

    for (unsigned i = 0; i < CLIENTS; i++)
        patient->client[i].stop = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        int status = wait_for_process(patient->clients[i]);
        assert_true(status == EXIT_SUCCESS || status == MOUNT_ENDED);
        any = any || status == MOUNT_ENDED;
    }
    return any;
}

/* Asserts that the store holds what the clients wrote, and empties it for the next mount. */
static void check_store(const struct patient *patient)
{
    char path[64], bytes[BYTES], found[BYTES];

    for (unsigned number = 0; number < CLIENTS; number++) {
        const struct client *client = &patient->client[number];
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

/* Kills the worker, if it is still there. */
static void end_worker(const struct patient *patient)
{
    pid_t worker = keeper_child(patient->keeper, " serves ");

    if (worker != 0 && kill(worker, SIGKILL) == 0)
        await_end(worker);
}

static void end_noticed(const struct patient *patient)
{
    assert_int_equal(wait_for_process(patient->keeper), EXIT_FAILURE);
    assert_false(workspace_is_mounted(patient->workspace->mnt));
    assert_int_equal(log_lines("is damaged"), 1);
    assert_int_equal(log_lines("workers died"), 0);
    workspace_await_children();
}

/* Returns whether it was noticed. */
static bool discharge(struct patient *patient)
{
    bool noticed = dismiss_clients(patient);

    if (noticed)
        end_noticed(patient);
    else
        keeper_stop(patient->workspace, patient->keeper);
    check_store(patient);
    assert_ok(munmap(patient->state, patient->state_bytes));
    assert_ok(munmap(patient->table, patient->table_bytes));
    assert_ok(munmap(patient->client, CLIENTS * sizeof(*patient->client)));
    assert_ok(unlink("log"));
    return noticed;
}

static void flip_at(const struct patient *patient, const struct spot *spot)
{
    unsigned count = spot->count != 0 ? spot->count : 1;

    for (unsigned i = 0; i < count; i++) {
        size_t at = damage_offset(spot, patient->table, patient->table_bytes) + i * spot->stride;
        uint8_t *byte = (spot->memory == STATE ? patient->state : patient->table) + at;
        __atomic_fetch_xor(byte, spot->bits != 0 ? spot->bits : 0x21, __ATOMIC_SEQ_CST);
    }
}

/* When the memory is damaged: the worker lives on with it for a while; or is stopped, in the middle
 * of whatever it does, or of a request that has been carried out, before or after its result is
 * noted; then it dies. */
static bool damage(const struct workspace *workspace, const struct spot *spot, enum moment moment)
{
    struct patient patient;

    admit(&patient, workspace, moment);
    await_rounds(&patient);
    if (moment == STOPPED)
        stop_process(keeper_worker(patient.keeper));
    if (moment == EXECUTED)
        stop_at_point(keeper_worker(patient.keeper), "after-execution");
    if (moment == ANSWERING)
        stop_at_point(keeper_worker(patient.keeper), "before-record");
    flip_at(&patient, spot);
    if (moment == SERVING)
        await_rounds(&patient);
    end_worker(&patient);
    await_rounds(&patient);
    return discharge(&patient);
}

/* A call of the table that is under way when the memory is damaged makes up for it; and not every
 * request has every note. */
static void damage_all(const struct workspace *workspace, const struct spot *spots,
                       enum moment moment)
{
    for (; spots->name != NULL; spots++) {
        bool noticed = damage(workspace, spots, moment);
        for (int i = 1; !noticed && spots->noticed && i < ATTEMPTS; i++)
            noticed = damage(workspace, spots, moment);
        print_message("%s: %s\n", spots->name, noticed ? "the mount ended" : "nothing happened");
        if (spots->noticed && !noticed)
            fail_msg("%s: nobody has noticed", spots->name);
    }
}

static void undamaged(void **state)
{
    assert_false(damage(workspace_of(state), &damage_none, SERVING));
}

static void damaged_state(void **state)
{
    damage_all(workspace_of(state), damage_state, SERVING);
}

static void damaged_requests(void **state)
{
    damage_all(workspace_of(state), damage_request, EXECUTED);
    damage_all(workspace_of(state), damage_result, ANSWERING);
}

static void damaged_table(void **state)
{
    damage_all(workspace_of(state), damage_table, SERVING);
}

static void damaged_slots(void **state)
{
    damage_all(workspace_of(state), damage_slot, STOPPED);
}

/* Anything but the requests' bytes on their way, whose contents are whatever was sent. */
static void damage_anywhere(void **state)
{
    unsigned seed = (unsigned)time(NULL);

    print_message("seed %u\n", seed);
    srandom(seed);
    for (int i = 0; i < RANDOM_FLIPS; i++) {
        struct spot spot = damage_anywhere_in(random() % 2 != 0 ? TABLE : STATE, (size_t)random());
        print_message("%s, byte %zu: ", spot.name, spot.offset);
        print_message(damage(workspace_of(state), &spot, random() % 2 != 0 ? STOPPED : SERVING)
                          ? "the mount ended\n"
                          : "nothing happened\n");
    }
}

static void memory_is_sealed(void **state)
{
    static const char *const names[] = { "shmapfs-state", "shmapfs-nodes" };
    const struct workspace *workspace = workspace_of(state);

    pid_t keeper = keeper_start(workspace, &(struct keeper_settings){ .options = NULL });
    for (size_t i = 0; i < 2; i++) {
        int fd = open_memory(keeper, names[i]);
        assert_errno(ftruncate(fd, 0), EPERM);
        assert_errno(ftruncate(fd, size_of(fd) + 4096), EPERM);
        // To unseal it, or to take everybody's right to write away.
        assert_errno(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), EPERM);
        assert_ok(close(fd));
    }
    put_file("mnt/file", "contents");
    assert_content("mnt/file", "contents");
    keeper_stop(workspace, keeper);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(undamaged),        cmocka_unit_test(damaged_state),
    cmocka_unit_test(damaged_requests), cmocka_unit_test(damaged_table),
    cmocka_unit_test(damaged_slots),    cmocka_unit_test(damage_anywhere),
    cmocka_unit_test(memory_is_sealed),
};

WORKSPACE_MAIN("damage", cases)
