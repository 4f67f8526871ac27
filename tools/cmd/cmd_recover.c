// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl recover: what was committed before a crash goes into the store's files. */
#include "tools/cmd/command.h"
#include "tools/recover/store_journal.h"

int cmd_recover(const struct invocation *invocation)
{
    return store_journal_recover(invocation->arguments[0], invocation->json);
}
