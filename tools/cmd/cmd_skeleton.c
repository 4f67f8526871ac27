// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl skeleton: whether the directories below an anonymous directory come back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"
#include "tools/cmd/command.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

static int fail_skeleton(const char *path, int error)
{
    enum shmap_class class;

    switch (-error) {
    case ENODATA:
        if (shmap_class_get(path, &class) != 0)
            return fail(path, "not a directory of a shmapfs mount; only these have a skeleton");
        // fall through
    case EINVAL:
        return fail(path, "no anonymous directory begins here; name one that anon= or shmapctl "
                          "class has made anonymous, in a mount with a store");
    case EPERM:
    case EACCES:
        return fail(path,
                    "permission denied; only the directory's owner and root have its skeleton "
                    "kept");
    case EROFS:
        return fail(path, "the mount is read-only; do this where it is mounted for writing");
    case ENOTEMPTY:
    case EEXIST:
        return fail(path, "something else is in this directory of the store, in the way of its "
                          "skeleton; remove it there");
    default:
        return fail(path, "%s", strerror(-error));
    }
}

static int show_skeleton(const char *path, bool json)
{
    struct json_object *answer;
    bool kept;
    int error = shmap_skeleton_get(path, &kept);

    if (error)
        return fail_skeleton(path, error);
    if (!json)
        return puts(kept ? "on" : "off") < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    answer = json_object_new_object();
    json_object_object_add(answer, "path", json_object_new_string(path));
    json_object_object_add(answer, "skeleton", json_object_new_boolean(kept));
    return print_json(answer);
}

static int set_skeleton(const char *path, const char *word, bool json)
{
    bool on = strcmp(word, "on") == 0;
    int error;

    if (!on && strcmp(word, "off") != 0) {
        fail(word, "not a word for this; a skeleton is on or off");
        return EXIT_USAGE;
    }
    error = shmap_skeleton_set(path, on);
    if (error)
        return fail_skeleton(path, error);
    return json ? show_skeleton(path, true) : EXIT_SUCCESS;
}

int cmd_skeleton(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];

    return invocation->count == 1 ? show_skeleton(path, invocation->json)
                                  : set_skeleton(path, invocation->arguments[1], invocation->json);
}
