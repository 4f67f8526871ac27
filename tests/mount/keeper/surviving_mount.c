// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/keeper/surviving_mount.h"

#include "tests/mount/harness/coprocess.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct mount_status mount_status_of(const struct workspace *workspace)
{
    struct mount_status status;

    assert_int_equal(read_mount_status(workspace->mnt, &status), 0);
    return status;
}

void mount_surviving(const struct workspace *workspace, bool with_store, const char *options)
{
    workspace_mount(workspace, with_store, options);
    need_survival(workspace);
    assert_ok(mkdir("mnt/load", 0755));
}

void mount_failing(struct workspace *workspace, const char *variable, const char *value,
                   void (*mount)(struct workspace *workspace))
{
    char *usual = strdup(shmapfs());
    const char *failing = getenv("SHMAPFS_FAULTS");

    if (failing == NULL)
        fail_msg("SHMAPFS_FAULTS must name the program to test");
    assert_ok(setenv("SHMAPFS", failing, 1));
    assert_ok(setenv(variable, value, 1));
    mount(workspace);
    assert_ok(setenv("SHMAPFS", usual, 1));
    assert_ok(unsetenv(variable));
    free(usual);
}
