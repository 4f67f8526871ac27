// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/remount_anon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/cleanup.h"

struct names {
    char *copy;
    char *rest;
    char path[2 * PATH_MAX]; // of the last one that was cut off
    const char *mountpoint;
};

static struct names names_begin(const struct shmap_status *status, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    return (struct names){ .copy = copy, .rest = copy, .mountpoint = status->mountpoint };
}

static void names_end(struct names *names)
{
    free(names->copy);
}
#define CLEANUP_NAMES __attribute__((cleanup(names_end)))

static const char *names_next(struct names *names)
{
    const char *name = strsep(&names->rest, ":");

    if (name)
        snprintf(names->path, sizeof(names->path), "%s/%s", names->mountpoint, name);
    return name;
}

/* Returns the names that a mount has; they are the last of its options. NULL: none. */
static const char *names_of(const struct shmap_status *status)
{
    static const char word[] = ",anon=";
    const char *at = strstr(status->options, word);

    return at ? at + strlen(word) : NULL;
}

static bool is_listed(const struct shmap_status *status, const char *name)
{
    CLEANUP_NAMES struct names names = names_begin(status, names_of(status));
    const char *listed;

    while ((listed = names_next(&names))) {
        if (strcmp(listed, name) == 0)
            return true;
    }
    return false;
}

int remount_anon_check(const char *given, const struct shmap_status *status, bool read_only,
                       struct complaint *complaint)
{
    CLEANUP_NAMES struct names names = names_begin(status, given);
    const char *name;

    while ((name = names_next(&names))) {
        enum shmap_class class;
        int error = shmap_class_get(names.path, &class);

        if (!error && class == SHMAP_ANON)
            continue;
        // A directory that is missing will be anonymous when it is made.
        if (is_listed(status, name) && (read_only || error == -ENOENT))
            continue;
        return complain(complaint, EOPNOTSUPP,
                        "option 'anon=%s' is for a mount that begins; make the directory "
                        "anonymous with: shmapctl class %s anon",
                        name, names.path);
    }
    return 0;
}

int remount_anon_check_writable(const struct shmap_status *status, struct complaint *complaint)
{
    CLEANUP_NAMES struct names names = names_begin(status, names_of(status));
    const char *name;

    while ((name = names_next(&names))) {
        enum shmap_class class;

        if (shmap_class_get(names.path, &class) == 0 && class != SHMAP_ANON)
            return complain(complaint, EOPNOTSUPP,
                            "option 'rw': %s of anon= is persistent until a mount begins that is "
                            "not read-only; unmount %s, and mount it anew",
                            name, status->mountpoint);
    }
    return 0;
}

void remount_anon_mark(const struct shmap_status *status)
{
    CLEANUP_NAMES struct names names = names_begin(status, names_of(status));

    if (!strstr(status->options, ",skeleton,"))
        return;
    // Those that are missing get the mark when they are made.
    while (names_next(&names))
        shmap_skeleton_set(names.path, true);
}
