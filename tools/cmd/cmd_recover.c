// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl recover and verify: the journal of a store that is not mounted; and reattach: a store
 * that was mounted anew. */
#include <stddef.h>

#include "tools/cmd/command.h"
#include "tools/recover/reattach.h"
#include "tools/recover/store_journal.h"

int cmd_reattach(const struct invocation *invocation)
{
    return reattach_mounts(invocation->count > 0 ? invocation->arguments[0] : NULL,
                           invocation->json);
}

int cmd_recover(const struct invocation *invocation)
{
    return store_journal_recover(invocation->arguments[0], invocation->json);
}

int cmd_verify(const struct invocation *invocation)
{
    return store_journal_verify(invocation->arguments[0], invocation->json);
}
