// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl snapshot: a copy of a mount, of which what is committed is as of one moment. */
#include <stddef.h>

#include "tools/cmd/command.h"
#include "tools/snapshot/tree_snapshot.h"

int cmd_snapshot(const struct invocation *invocation)
{
    const struct tree_snapshot_wish wish = {
        .mountpoint = invocation->arguments[0],
        .destination = invocation->arguments[1],
        .anon = invocation->choices[CHOICE_ANON] != NULL,
        .without_writing = invocation->choices[CHOICE_READ_ONLY] != NULL,
        .json = invocation->json,
    };

    return tree_snapshot_make(&wish);
}
