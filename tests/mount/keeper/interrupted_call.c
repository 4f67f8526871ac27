// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/interrupted_call.h"

#include "tests/mount/keeper/crashpoint.h"
#include "tests/mount/keeper/keeper.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

pid_t keeper_start_with_crashpoints(const struct workspace *workspace, bool with_store)
{
    return keeper_start(workspace, &(struct keeper_settings){ .with_store = with_store,
                                                              .options = "descriptors=16",
                                                              .variable = "SHMAPFS_FAULTS",
                                                              .stops_at_points = true });
}

static int make_call(struct coprocess *parent, void *argument)
{
    const struct client_call *call = argument;

    (void)parent;
    coprocess_check(call->make(call->argument) == 0);
    return 0;
}

/* In the order in which a request that changes something passes them. */
static const char *const points[] = { "after-read",    "before-execution", "after-execution",
                                      "before-record", "after-record",     "after-reply" };
_Static_assert(sizeof(points) / sizeof(points[0]) == CRASHPOINTS, "one name a point");

pid_t call_and_stop(pid_t keeper, unsigned point, struct client_call *call,
                    struct coprocess *client)
{
    pid_t worker = keeper_worker(keeper);

    // Other requests of the call, such as for its path, pass the same points except one.
    arm_point(points[point < POINT_OF_EXECUTION ? point : POINT_OF_EXECUTION]);
    assert_int_equal(coprocess_start(client, make_call, call), 0);
    await_stop(worker);
    if (point > POINT_OF_EXECUTION) {
        arm_point(points[point]);
        assert_ok(kill(worker, SIGCONT));
        await_stop(worker);
    }
    return worker;
}

void call_and_die(pid_t keeper, unsigned point, int (*make)(void *), void *argument)
{
    struct client_call call = { make, argument };
    struct coprocess client;

    kill_and_wait(call_and_stop(keeper, point, &call, &client));
    assert_coprocess_succeeds(&client);
}

void call_and_die_at(pid_t keeper, const char *point, unsigned pass, int (*make)(void *),
                     void *argument)
{
    struct client_call call = { make, argument };
    pid_t worker = keeper_worker(keeper);
    struct coprocess client;

    arm_point(point);
    assert_int_equal(coprocess_start(&client, make_call, &call), 0);
    await_stop(worker);
    for (; pass > 0; pass--) {
        arm_point(point);
        assert_ok(kill(worker, SIGCONT));
        await_stop(worker);
    }
    kill_and_wait(worker);
    assert_coprocess_succeeds(&client);
}

int remove_file(void *argument)
{
    return unlink(argument);
}

int replace_file(void *argument)
{
    return rename("mnt/other", argument);
}

int make_directory_at(void *argument)
{
    return mkdir(argument, 0755);
}
