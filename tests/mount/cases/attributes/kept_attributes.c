// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/attributes/kept_attributes.h"

#include "tests/mount/harness/files.h"
#include "tests/mount/keeper/keeper.h"

pid_t start_with_crashpoints(const struct workspace *workspace)
{
    return keeper_start(workspace, &(struct keeper_settings){ .with_store = true,
                                                              .variable = "SHMAPFS_FAULTS",
                                                              .stops_at_points = true });
}

void make_known(const char *path)
{
    assert_false(exists("mnt/nothing by this name"));
    stat_of("mnt");
    stat_of(path);
}
