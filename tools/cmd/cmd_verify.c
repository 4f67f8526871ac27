// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl verify: whether the journal of a store is whole. */
#include "tools/cmd/command.h"
#include "tools/recover/store_journal.h"

int cmd_verify(const struct invocation *invocation)
{
    return store_journal_verify(invocation->arguments[0], invocation->json);
}
