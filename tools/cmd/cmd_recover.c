// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl recover and verify: the journal of a store that is not mounted. */
#include "tools/cmd/command.h"
#include "tools/recover/store_journal.h"

int cmd_recover(const struct invocation *invocation)
{
    return store_journal_recover(invocation->arguments[0], invocation->json);
}

int cmd_verify(const struct invocation *invocation)
{
    return store_journal_verify(invocation->arguments[0], invocation->json);
}
