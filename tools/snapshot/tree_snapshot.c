// SPDX-License-Identifier: BSD-2-Clause
#include "tools/snapshot/tree_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/api/point.h"
#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"
#include "tools/scan/target.h"
#include "tools/snapshot/inventory.h"
#include "tools/snapshot/landing.h"
#include "tools/snapshot/tree_copy.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

/* How often names are looked at until they have not changed meanwhile, and how many milliseconds
 * come between. */
enum { NAME_LOOKS = 20, NAME_WAIT = 25 };

/* How often it begins anew because its point has ended. */
enum { ATTEMPTS = 3 };

struct snapshot_run {
    const struct tree_snapshot_wish *wish;
    struct shmap_status status;
    int root;
    struct landing landing;
    struct inventory inventory;
    struct tree_copy copy;
    struct progress progress;
    struct interruption interruption;
    bool names_moved; // names of committed files changed whenever they were looked at
};

/* Takes a point, if the mount has such a thing. */
static int take_point(struct snapshot_run *run)
{
    int error = shmap_point_take(run->wish->mountpoint, &run->copy.point);

    if (!error)
        return 0;
    run->copy.point = 0;
    // Nobody writes there, or nothing is committed.
    return error == -EROFS || (error == -ENODATA && *run->status.store == '\0') ? 0 : error;
}

static int leave_point(struct snapshot_run *run)
{
    return run->copy.point != 0 ? shmap_point_leave(run->wish->mountpoint, run->copy.point) : 0;
}

static int wait_for_names(struct snapshot_run *run)
{
    struct pollfd signals = { .fd = run->interruption.fd, .events = POLLIN };

    poll(&signals, 1, NAME_WAIT);
    return interruption_came(&run->interruption) ? -EINTR : 0;
}

/* Lists the committed files and takes a point, so that their names are those of the point. */
static int take_names_and_point(struct snapshot_run *run)
{
    int error = 0;

    for (unsigned look = 1; !error; look++) {
        error = inventory_add_committed(&run->inventory, &run->interruption);
        if (!error)
            error = take_point(run);
        run->names_moved = !error && inventory_has_changed(&run->inventory);
        if (error || !run->names_moved || look == NAME_LOOKS)
            break;
        leave_point(run);
        error = wait_for_names(run);
    }
    return error;
}

static int copy_all(struct snapshot_run *run)
{
    int error;
    int left;

    progress_begin(&run->progress, run->inventory.bytes);
    error = tree_copy_directories(&run->copy);
    if (!error)
        error = tree_copy_committed(&run->copy);
    // A file that has left its class meanwhile is not as of the point, and ends that.
    left = leave_point(run);
    if (!error)
        error = left;
    if (!error)
        error = tree_copy_plain(&run->copy);
    if (!error)
        error = tree_copy_finish(&run->copy);
    progress_end(&run->progress);
    return error;
}

static int attempt(struct snapshot_run *run)
{
    int error;

    run->copy = (struct tree_copy){ .inventory = &run->inventory,
                                    .to = run->landing.directory,
                                    .source = clone_source_begin(&run->status, run->root),
                                    .without_writing = run->wish->without_writing,
                                    .interruption = &run->interruption,
                                    .progress = &run->progress };
    error = inventory_begin(&run->inventory, run->root, run->wish->anon, &run->interruption);
    if (!error)
        error = take_names_and_point(run);
    if (!error)
        error = copy_all(run);
    return error;
}

static int fail_run(const struct snapshot_run *run, int error)
{
    const char *mountpoint = run->wish->mountpoint;

    switch (-error) {
    case EBUSY:
        return fail(mountpoint, "another snapshot of it is being made; wait for its end");
    case ESTALE:
        return fail(mountpoint,
                    "the journal could not keep all files as of one moment for so long; snapshot "
                    "it when less is written, or mount it with a larger log=");
    case ENODATA:
        return fail(mountpoint,
                    "the shmapfs that serves it is too old to be snapshot; upgrade it first");
    default:
        return fail(run->landing.path, "no snapshot was made: %s%s%s",
                    run->copy.at ? run->copy.at : "", run->copy.at ? ": " : "", strerror(-error));
    }
}

/* The copy is there. Says what it is not. */
static int judge(const struct snapshot_run *run)
{
    const struct tree_copy *copy = &run->copy;
    const char *path = run->wish->destination;
    uint64_t left_out = copy->left_out + run->inventory.left_out;
    int status = EXIT_SUCCESS;

    if (copy->torn > 0) {
        fail(path, "%" PRIu64 " plain files were written meanwhile, and may be torn", copy->torn);
        status = EXIT_WRITTEN;
    }
    if (left_out > 0) {
        fail(path, "%" PRIu64 " names are left out, because they cannot be read by you", left_out);
        status = EXIT_WRITTEN;
    }
    if (run->names_moved || copy->gone > 0) {
        fail(path, "names of committed files changed all the time; each file is as of one moment, "
                   "but some may be missing or have the name that they had shortly before");
        status = EXIT_WRITTEN;
    }
    return status;
}

static int show_made(const struct snapshot_run *run)
{
    const struct tree_copy *copy = &run->copy;
    struct json_object *answer;

    if (!run->wish->json)
        return printf("%s: %" PRIu64 " file%s, %s\n", run->wish->destination, copy->files,
                      copy->files == 1 ? "" : "s", humanize(copy->bytes).text) < 0
                   ? EXIT_FAILURE
                   : EXIT_SUCCESS;
    answer = json_object_new_object();
    json_object_object_add(answer, "mount", json_object_new_string(run->wish->mountpoint));
    json_object_object_add(answer, "destination", json_object_new_string(run->wish->destination));
    json_object_object_add(answer, "files", json_object_new_uint64(copy->files));
    json_object_object_add(answer, "bytes", json_object_new_uint64(copy->bytes));
    json_object_object_add(answer, "torn", json_object_new_uint64(copy->torn));
    json_object_object_add(answer, "left_out",
                           json_object_new_uint64(copy->left_out + run->inventory.left_out));
    json_object_object_add(answer, "names_moved",
                           json_object_new_boolean(run->names_moved || copy->gone > 0));
    return print_json(answer);
}

/* Begins anew as long as points end by themselves. */
static int attempt_often(struct snapshot_run *run)
{
    int error = -ESTALE;

    for (unsigned i = 0; i < ATTEMPTS && error == -ESTALE; i++) {
        if (i > 0) {
            tree_copy_end(&run->copy);
            inventory_free(&run->inventory);
            error = landing_empty(&run->landing);
            if (error)
                return error;
        }
        error = attempt(run);
    }
    return error;
}

static int run_to_end(struct snapshot_run *run)
{
    int error = attempt_often(run);
    int status;

    if (!error)
        error = landing_publish(&run->landing);
    if (error == -EINTR)
        status = EXIT_FAILURE; // by the signal
    else if (error)
        status = fail_run(run, error);
    else
        status = show_made(run) != EXIT_SUCCESS ? EXIT_FAILURE : judge(run);
    tree_copy_end(&run->copy);
    inventory_free(&run->inventory);
    return status;
}

int tree_snapshot_make(const struct tree_snapshot_wish *wish)
{
    struct snapshot_run run = { .wish = wish };
    CLEANUP_FD int root = -1;
    int error = shmap_status_get(wish->mountpoint, &run.status);
    int status;

    if (error)
        return fail_mount(wish->mountpoint, error);
    root = open(wish->mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return fail_mount(wish->mountpoint, -errno);
    run.root = root;
    error = interruption_begin(&run.interruption);
    if (error)
        return fail(wish->mountpoint, "%s", strerror(-error));
    status = landing_make(wish->destination, wish->mountpoint, &run.status, &run.landing);
    if (status == EXIT_SUCCESS)
        status = run_to_end(&run);
    landing_end(&run.landing);
    interruption_end(&run.interruption);
    return status;
}
