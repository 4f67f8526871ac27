// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/space/few_descriptors.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/keeper/process.h"

struct bound {
    const struct workspace *workspace;
    unsigned most;
};

pid_t worker_of(const struct workspace *workspace)
{
    return (pid_t)read_status_number(workspace, "pid");
}

static bool are_few(void *argument)
{
    const struct bound *bound = argument;

    // A round trip: closing what was forgotten is put off.
    read_status_number(bound->workspace, "nodes");
    return descriptors_of(worker_of(bound->workspace)) <= bound->most;
}

void assert_few_descriptors(const struct workspace *workspace, unsigned most)
{
    struct bound bound = { workspace, most };

    assert_true(becomes_true(are_few, &bound));
}
