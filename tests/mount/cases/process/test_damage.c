// SPDX-License-Identifier: BSD-2-Clause
/*
 * Bytes of a mount's shared memory are not what they were. Either everything is answered right all
 * the same, or the mount ends and says why. Nobody ever gets wrong data. The unit tests have what
 * the node table notices by itself.
 */
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/damage.h"
#include "tests/mount/keeper/damaged_mount.h"
#include "tests/mount/keeper/keeper.h"

#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { RANDOM_FLIPS = 12, ATTEMPTS = 8 };

static void flip_at(const struct damaged_mount *damaged, const struct spot *spot)
{
    unsigned count = spot->count != 0 ? spot->count : 1;

    for (unsigned i = 0; i < count; i++) {
        size_t at = damage_offset(spot, damaged->table, damaged->table_bytes) + i * spot->stride;
        uint8_t *byte = (spot->memory == STATE ? damaged->state : damaged->table) + at;
        __atomic_fetch_xor(byte, spot->bits != 0 ? spot->bits : 0x21, __ATOMIC_SEQ_CST);
    }
}

/* When the memory is damaged: the worker lives on with it for a while; or is stopped, in the middle
 * of whatever it does, or of a request that has been carried out, before or after its result is
 * noted; then it dies. */
static bool damage(const struct workspace *workspace, const struct spot *spot, enum moment moment)
{
    struct damaged_mount damaged;

    damaged_mount_start(&damaged, workspace, moment);
    await_rounds(&damaged);
    if (moment == STOPPED)
        stop_process(keeper_worker(damaged.keeper));
    if (moment == EXECUTED)
        stop_at_point(keeper_worker(damaged.keeper), "after-execution");
    if (moment == ANSWERING)
        stop_at_point(keeper_worker(damaged.keeper), "before-record");
    flip_at(&damaged, spot);
    if (moment == SERVING)
        await_rounds(&damaged);
    kill_worker(&damaged);
    await_rounds(&damaged);
    return damaged_mount_end(&damaged);
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
