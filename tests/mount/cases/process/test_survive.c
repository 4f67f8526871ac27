// SPDX-License-Identifier: BSD-2-Clause
/*
 * The mount is under load while its workers die or are replaced, and no client notices. load.h says
 * what each call must give, and how; a longer run of the same is the program survive.
 */
#include "tests/mount/harness/files.h"
#include "tests/mount/harness/mapping.h"
#include "tests/mount/keeper/keeper.h"
#include "tests/mount/keeper/surviving_mount.h"
#include "tests/mount/load/load_kinds.h"
#include "tests/mount/survive/survive.h"
#include "tests/mount/workspace/workspace.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// With a sanitizer a death takes three times as long.
#ifdef __SANITIZE_ADDRESS__
enum { MANY_DEATHS = 40 };
#else
enum { MANY_DEATHS = 100 };
#endif

enum { SOME_DEATHS = 30, FEW_DEATHS = 10, UPGRADES = 25, MAPPED = 1 << 20 };

/* Mounts in the foreground, so that a failed case can show what the daemon has said. */
static void mount_with_log(const struct workspace *workspace, bool with_store, const char *options)
{
    const struct keeper_settings settings = { .with_store = with_store, .options = options };

    keeper_start(workspace, &settings);
    assert_ok(mkdir("mnt/load", 0755));
}

static void show_end_of_log(void)
{
    struct program_result result = run_program("tail", "-n", "20", "log", NULL);

    fprintf(stderr, "the last that the daemon has said:\n%s", result.out);
}

/* Carries out a plan on what is mounted, whose other members are set here, and unmounts. */
static void survive_plan(const struct workspace *workspace, bool persistent,
                         struct survive_plan plan)
{
    char directory[PATH_MAX + 8];
    struct survive_report report;

    snprintf(directory, sizeof(directory), "%s/load", workspace->mnt);
    plan.mountpoint = workspace->mnt;
    plan.directory = directory;
    plan.persistent = persistent;
    plan.seed = (uint64_t)time(NULL);
    int error = survive(&plan, &report);
    survive_print(&report, stdout);
    if (error < 0 || !survive_well(&report)) {
        show_end_of_log();
        fail_msg("with seed %llu", (unsigned long long)plan.seed);
    }
    workspace_unmount(workspace);
}

static void random_deaths_under_load(void **state)
{
    const struct workspace *workspace = workspace_of(state);

    mount_with_log(workspace, true, NULL);
    survive_plan(
        workspace, true,
        (struct survive_plan){ .kinds = load_everything, .deaths = MANY_DEATHS, .calls = 1000 });
}

static void mount_with_store(struct workspace *workspace)
{
    mount_with_log(workspace, true, NULL);
}

static void deaths_at_named_points_under_load(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_failing(workspace, "SHMAPFS_FAULT", "all:120", mount_with_store);
    survive_plan(workspace, true,
                 (struct survive_plan){
                     .kinds = load_everything, .way = SURVIVE_FAULTS, .deaths = MANY_DEATHS });
}

/* As before Linux 6.9. */
static void deaths_where_nothing_is_sent_again(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_failing(workspace, "SHMAPFS_FORGETFUL", "1", mount_with_store);
    survive_plan(
        workspace, true,
        (struct survive_plan){ .kinds = load_everything, .deaths = SOME_DEATHS, .calls = 500 });
}

/* Pages that were written through a mapping are written back by a later worker. */
static void what_is_mapped_arrives(void **state)
{
    struct workspace *workspace = workspace_of(state);

    mount_failing(workspace, "SHMAPFS_FORGETFUL", "1", mount_with_store);
    int fd = new_file("mnt/mapped", MAPPED);
    char *mapping = map_shared(fd, MAPPED);
    memset(mapping, 'm', MAPPED);
    assert_ok(kill((pid_t)mount_status_of(workspace).pid, SIGKILL));
    unmap(mapping, MAPPED);
    assert_ok(close(fd));
    workspace_unmount(workspace);
    mapping = map_path("store/mapped", MAPPED);
    assert_non_null(mapping);
    assert_true(all_bytes(mapping, MAPPED, 'm'));
    unmap(mapping, MAPPED);
}

static void upgrades_under_load(void **state)
{
    const struct workspace *workspace = workspace_of(state);
    const char *next = getenv("SHMAPFS_NEXT");

    if (next == NULL)
        fail_msg("SHMAPFS_NEXT must name a program to upgrade to");
    mount_with_log(workspace, true, NULL);
    survive_plan(workspace, true,
                 (struct survive_plan){ .kinds = load_everything,
                                        .way = SURVIVE_UPGRADES,
                                        .deaths = UPGRADES,
                                        .calls = 1000,
                                        .binary = { next, shmapfs() } });
}

/* The first death of a mount, which comes only once in its life, again and again. */
static void first_deaths(void **state)
{
    static const struct load_kind *const kinds[] = { &load_data, &load_hold_mapping, NULL };
    const struct workspace *workspace = workspace_of(state);

    for (int i = 0; i < FEW_DEATHS; i++) {
        mount_surviving(workspace, false, "");
        survive_plan(workspace, false,
                     (struct survive_plan){ .kinds = kinds, .deaths = 1, .calls = 500 });
    }
}

/* One kind of load alone, which holds something from the first death to the last. */
static void hold(void **state, const struct load_kind *kind)
{
    const struct workspace *workspace = workspace_of(state);
    const struct load_kind *const kinds[] = { kind, NULL };
    bool with_store = kind->persistent || (kind->attributes && !has_user_attributes("/dev/shm"));

    mount_with_log(workspace, with_store, kind == &load_fill ? "size=8m" : NULL);
    survive_plan(workspace, kind->persistent,
                 (struct survive_plan){ .kinds = kinds, .deaths = FEW_DEATHS, .calls = 200 });
}

static void locks_are_held(void **state)
{
    hold(state, &load_hold_locks);
}

static void nameless_files_stay(void **state)
{
    hold(state, &load_hold_unlinked);
}

static void directory_streams_go_on(void **state)
{
    hold(state, &load_hold_stream);
}

static void mappings_stay(void **state)
{
    hold(state, &load_hold_mapping);
}

static void attributes_stay(void **state)
{
    hold(state, &load_hold_attributes);
}

static void classes_stay(void **state)
{
    hold(state, &load_hold_class);
}

static void the_limit_stays(void **state)
{
    hold(state, &load_fill);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(random_deaths_under_load),
    cmocka_unit_test(deaths_at_named_points_under_load),
    cmocka_unit_test(deaths_where_nothing_is_sent_again),
    cmocka_unit_test(what_is_mapped_arrives),
    cmocka_unit_test(upgrades_under_load),
    cmocka_unit_test(first_deaths),
    cmocka_unit_test(locks_are_held),
    cmocka_unit_test(nameless_files_stay),
    cmocka_unit_test(directory_streams_go_on),
    cmocka_unit_test(mappings_stay),
    cmocka_unit_test(attributes_stay),
    cmocka_unit_test(classes_stay),
    cmocka_unit_test(the_limit_stays),
};

WORKSPACE_MAIN("survive", cases)
