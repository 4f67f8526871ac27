// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl save: a copy of a file that others may write meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "tools/cmd/command.h"
#include "tools/save/destination.h"
#include "tools/save/snapshot.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

/* Opens a regular file. Returns its descriptor, or -1 after a line. */
static int open_original(const char *path, struct stat *st)
{
    // A FIFO would keep it waiting for a writer.
    CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, st) != 0) {
        fail(path, "%s", strerror(errno));
        return -1;
    }
    if (!S_ISREG(st->st_mode)) {
        fail(path, "only a regular file can be saved; copy a tree with cp -a");
        return -1;
    }
    return steal_fd(&fd);
}

static int fail_save(const struct invocation *invocation, int error)
{
    const char *file = invocation->arguments[0], *path = invocation->arguments[1];

    switch (-error) {
    case EXDEV:
        return fail(path, "is the file that is to be saved; choose another path");
    case ENOTUNIQ:
        return fail(path, "is there, and no regular file; choose another path, or remove it first");
    default:
        return fail(file, "cannot be saved to %s: %s", path, strerror(-error));
    }
}

static int show_saved(const char *file, const char *path, const struct snapshot *snapshot,
                      bool json)
{
    struct json_object *answer;
    int status;

    if (!json) {
        status = printf("%s: %s, as %s was at one moment\n", path, humanize(snapshot->size).text,
                        file) < 0
                     ? EXIT_FAILURE
                     : EXIT_SUCCESS;
        return status;
    }
    answer = json_object_new_object();
    json_object_object_add(answer, "file", json_object_new_string(file));
    json_object_object_add(answer, "destination", json_object_new_string(path));
    json_object_object_add(answer, "bytes", json_object_new_uint64(snapshot->size));
    json_object_object_add(answer, "readings", json_object_new_int((int)snapshot->readings));
    json_object_object_add(answer, "exact", json_object_new_boolean(snapshot->exact));
    return print_json(answer);
}

static int show(const char *file, const char *path, const struct snapshot *snapshot, bool json)
{
    int status = EXIT_SUCCESS;

    if (json || snapshot->exact)
        status = show_saved(file, path, snapshot, json);
    if (snapshot->exact)
        return status;
    fail(file,
         "was written during each of %u readings; %s may have a part of a change without the rest "
         "of it; save it again when its writers rest",
         snapshot->readings, path);
    return EXIT_WRITTEN;
}

/* Signals are held back. */
static int save(int original, const struct stat *st, const struct invocation *invocation,
                struct interruption *interruption)
{
    const char *file = invocation->arguments[0];
    struct destination destination;
    struct snapshot snapshot;
    int error = destination_make(invocation->arguments[1], file, st, &destination);

    if (!error)
        error = snapshot_take(original, destination.fd, interruption, &snapshot);
    if (!error)
        error = destination_publish(&destination);
    destination_end(&destination);
    if (error == -EINTR)
        return EXIT_FAILURE; // by the signal
    return error ? fail_save(invocation, error)
                 : show(file, destination.path, &snapshot, invocation->json);
}

int cmd_save(const struct invocation *invocation)
{
    struct interruption interruption;
    struct stat st;
    CLEANUP_FD int original = open_original(invocation->arguments[0], &st);
    int status, error;

    if (original < 0)
        return EXIT_FAILURE;
    error = interruption_begin(&interruption);
    if (error)
        return fail(invocation->arguments[0], "%s", strerror(-error));
    status = save(original, &st, invocation, &interruption);
    interruption_end(&interruption);
    return status;
}
