// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl warmup: files in memory before somebody needs them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/cmd/command.h"
#include "tools/ui/output.h"
#include "tools/warmup/warmup.h"

int cmd_warmup(const struct invocation *invocation)
{
    struct json_object *answer;
    struct warmup warmup;
    int status;

    // The words of a command line end with NULL.
    warmup_begin(&warmup, invocation->arguments);
    status = warmup_run(&warmup, invocation->arguments);
    if (invocation->json) {
        answer = json_object_new_object();
        json_object_object_add(answer, "files", json_object_new_uint64(warmup.files));
        json_object_object_add(answer, "bytes", json_object_new_uint64(warmup.bytes));
        print_json(answer);
    } else if (isatty(STDOUT_FILENO)) {
        printf("in memory: %s of %" PRIu64 " file%s\n", humanize(warmup.bytes).text, warmup.files,
               warmup.files == 1 ? "" : "s");
    }
    return status;
}
