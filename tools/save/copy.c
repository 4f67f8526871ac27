// SPDX-License-Identifier: BSD-2-Clause
#include "tools/save/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
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
        fail(path, "only a regular file can be copied; copy a tree with cp -a");
        return -1;
    }
    return steal_fd(&fd);
}

static int fail_copy(const char *file, const char *path, int error)
{
    switch (-error) {
    case EXDEV:
        return fail(path, "is the file that is to be copied; choose another path");
    case ENOTUNIQ:
        return fail(path, "is there, and no regular file; choose another path, or remove it first");
    default:
        return fail(file, "cannot be copied to %s: %s", path, strerror(-error));
    }
}

static int print_copy(const char *file, const char *path, const struct snapshot *snapshot,
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

static int show_copy(const char *file, const char *path, const struct snapshot *snapshot, bool json)
{
    int status = EXIT_SUCCESS;

    if (json || snapshot->exact)
        status = print_copy(file, path, snapshot, json);
    if (snapshot->exact)
        return status;
    fail(file,
         "was written during each of %u readings; %s may have a part of a change without the rest "
         "of it; copy it again when its writers rest",
         snapshot->readings, path);
    return EXIT_WRITTEN;
}

/* Signals are held back. */
static int copy_to(int original, const struct stat *st, const char *file, const char *path,
                   bool json, struct interruption *interruption)
{
    struct destination destination;
    struct snapshot snapshot;
    int error = destination_make(path, file, st, &destination);

    if (!error)
        error = snapshot_take(original, destination.fd, interruption, &snapshot);
    if (!error)
        error = destination_publish(&destination);
    destination_end(&destination);
    if (error == -EINTR)
        return EXIT_FAILURE; // by the signal
    return error ? fail_copy(file, path, error)
                 : show_copy(file, destination.path, &snapshot, json);
}

int copy_save(const char *file, const char *destination, bool json)
{
    struct interruption interruption;
    struct stat st;
    CLEANUP_FD int original = open_original(file, &st);
    int status, error;

    if (original < 0)
        return EXIT_FAILURE;
    error = interruption_begin(&interruption);
    if (error)
        return fail(file, "%s", strerror(-error));
    status = copy_to(original, &st, file, destination, json, &interruption);
    interruption_end(&interruption);
    return status;
}
