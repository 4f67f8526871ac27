// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl save: files are committed together, or one is copied. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/api/shmap_save.h"
#include "tools/cmd/command.h"
#include "tools/save/copy.h"
#include "tools/save/file_set.h"
#include "tools/save/save_failure.h"
#include "tools/save/whole_mounts.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

static int fail_files(const struct file_set *set, int error)
{
    switch (-error) {
    case EACCES:
        return fail(set->first, "it, or one of the others, may not be written to by you but by an "
                                "access ACL at most, and nothing is committed; ask its owner, or "
                                "root");
    case EPERM:
        return fail(set->first, "the shmapfs that serves it is too old to save; upgrade it first");
    default:
        return fail_commit(set->first, error);
    }
}

static int show_commit(const struct file_set *set, bool json)
{
    struct json_object *answer;

    if (!json)
        return printf("%zu file%s, %s%s\n", set->count, set->count == 1 ? "" : "s",
                      humanize(set->bytes).text, set->count > 0 ? ", in one commit" : "") < 0
                   ? EXIT_FAILURE
                   : EXIT_SUCCESS;
    answer = json_object_new_object();
    json_object_object_add(answer, "files", json_object_new_uint64(set->count));
    json_object_object_add(answer, "bytes", json_object_new_uint64(set->bytes));
    json_object_object_add(answer, "commits", json_object_new_int(set->count > 0));
    return print_json(answer);
}

static int commit_files(const struct invocation *invocation)
{
    struct file_set set;
    int status = file_set_find(invocation->arguments, invocation->count, &set), error;

    if (status == EXIT_SUCCESS) {
        error = shmap_save(set.fds, set.count);
        status = error ? fail_files(&set, error) : show_commit(&set, invocation->json);
    }
    file_set_close(&set);
    return status;
}

/* Returns EXIT_SUCCESS, or EXIT_USAGE after a line. */
static int check_words(const struct invocation *invocation)
{
    const char *all = invocation->choices[CHOICE_ALL], *to = invocation->choices[CHOICE_TO];

    if (all && to)
        fail("--to", "not with -a: a copy is of one FILE");
    else if (to && invocation->count != 1)
        fail("--to", "a copy is of one FILE; name one");
    else if (all && invocation->count > 1)
        fail("-a", "one MOUNT at most; or leave it out, for all of yours");
    else if (!all && invocation->count == 0)
        fail("save", "name files or directories, or -a for all that is uncommitted");
    else
        return EXIT_SUCCESS;
    return EXIT_USAGE;
}

int cmd_save(const struct invocation *invocation)
{
    const char *to = invocation->choices[CHOICE_TO];

    if (check_words(invocation) != EXIT_SUCCESS)
        return EXIT_USAGE;
    if (to)
        return copy_save(invocation->arguments[0], to, invocation->json);
    if (invocation->choices[CHOICE_ALL])
        return whole_mounts_save(invocation->count > 0 ? invocation->arguments[0] : NULL,
                                 invocation->json);
    return commit_files(invocation);
}
