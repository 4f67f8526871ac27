// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl class: what happens to the files below a directory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"
#include "tools/cmd/command.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

static int fail_class_get(const char *path, int error)
{
    if (error == -ENODATA)
        return fail(path, "not a file or directory of a shmapfs mount; only these have a class");
    return fail(path, "%s", strerror(-error));
}

static int fail_class_set(const char *path, enum shmap_class class, int error)
{
    const char *name = shmap_class_name(class);
    struct shmap_status status;

    switch (-error) {
    case ENOTEMPTY:
        return fail(path, "the directory is not empty; make a new one, set its class, and only "
                          "then put files into it");
    case ENOTDIR:
        return fail(path, "not a directory; set the class of a directory, and all files that are "
                          "made below it have it");
    case EINVAL:
        if (shmap_status_get(path, &status) == 0)
            return fail(path, "the root of a mount keeps its class; make a directory below it and "
                              "set the class of that one");
        return fail(path,
                    "the class cannot be %s here; below an anonymous directory and on a mount "
                    "without a store all is anon",
                    name);
    case EOPNOTSUPP:
        return fail(path, "this version of shmapfs does not have the class %s; use persist or anon",
                    name);
    case EPERM:
    case EACCES:
        return fail(path, "permission denied; only the directory's owner and root set its class");
    case EROFS:
        return fail(path, "the mount is read-only; set the class where it is mounted for writing");
    default:
        return fail_class_get(path, error);
    }
}

static int show_class(const char *path, enum shmap_class class, bool json)
{
    const char *name = shmap_class_name(class);
    struct json_object *answer;

    if (!json)
        return puts(name) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    answer = json_object_new_object();
    json_object_object_add(answer, "path", json_object_new_string(path));
    json_object_object_add(answer, "class", json_object_new_string(name));
    return print_json(answer);
}

static int report_class(const char *path, bool json)
{
    enum shmap_class class;
    int error = shmap_class_get(path, &class);

    return error ? fail_class_get(path, error) : show_class(path, class, json);
}

static int assign_class(const char *path, const char *word, bool json)
{
    enum shmap_class class;
    int error;

    if (shmap_class_parse(word, strlen(word), &class) != 0) {
        fail(word, "no such class; the classes are persist, anon, atomic and checkpoint");
        return EXIT_USAGE;
    }
    error = shmap_class_set(path, class);
    if (error)
        return fail_class_set(path, class, error);
    return json ? show_class(path, class, true) : EXIT_SUCCESS;
}

int cmd_class(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];

    return invocation->count == 1 ? report_class(path, invocation->json)
                                  : assign_class(path, invocation->arguments[1], invocation->json);
}
