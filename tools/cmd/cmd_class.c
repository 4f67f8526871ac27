// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl class: what happens to the files below a directory. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/api/shmap.h"
#include "tools/cmd/command.h"
#include "tools/convert/convert.h"
#include "tools/scan/target.h"
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
    struct shmap_status status;

    switch (-error) {
    case ENOTEMPTY:
        return fail(path, "the directory is not empty; set the class of a new one, or give this "
                          "one another with: shmapctl class --convert");
    case ENOTDIR:
        return fail(path, "not a directory; set the class of a directory, and all files that are "
                          "made below it have it");
    case EINVAL:
        if (shmap_status_get(path, &status) == 0)
            return fail(path, "the root of a mount keeps its class; make a directory below it and "
                              "set the class of that one");
        return fail_class(path, class, error);
    case EOPNOTSUPP:
        return fail_class(path, class, error);
    case EPERM:
    case EACCES:
        return fail(path, "permission denied; only the directory's owner and root set its class");
    case EROFS:
        return fail(path, "the mount is read-only; set the class where it is mounted for writing");
    default:
        return fail_class_get(path, error);
    }
}

/* How the classes of paths are shown. */
struct answers {
    struct json_object *json; // an array; NULL: in words
    bool several;             // and not of one path alone
};

static void show_class(const char *path, enum shmap_class class, const struct answers *answers)
{
    const char *name = shmap_class_name(class);

    if (answers->json) {
        struct json_object *answer = json_object_new_object();

        json_object_object_add(answer, "path", json_object_new_string(path));
        json_object_object_add(answer, "class", json_object_new_string(name));
        json_object_array_add(answers->json, answer);
    } else if (answers->several) {
        char *visible = printable(path);

        printf("%-10s  %s\n", name, visible);
        free(visible);
    } else {
        puts(name);
    }
}

static int report_class(const char *path, const struct answers *answers)
{
    enum shmap_class class;
    int error = shmap_class_get(path, &class);

    if (error)
        return fail_class_get(path, error);
    show_class(path, class, answers);
    return EXIT_SUCCESS;
}

static int assign_class(const char *path, enum shmap_class class, bool convert,
                        const struct answers *answers)
{
    int error = convert ? 0 : shmap_class_set(path, class);

    if (error)
        return fail_class_set(path, class, error);
    if (convert && convert_directory(path, class) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (answers->json)
        show_class(path, class, answers);
    return EXIT_SUCCESS;
}

/* Finds out if the last of several words is a class. An unknown class that is no path either is a
 * mistake in the whole line. Returns EXIT_SUCCESS, or an exit status after a line. */
static int read_class_word(const struct invocation *invocation, bool *given,
                           enum shmap_class *class)
{
    const char *word = invocation->arguments[invocation->count - 1];
    struct stat stat;

    *given = invocation->count > 1 && shmap_class_parse(word, strlen(word), class) == 0;
    if (*given || invocation->count == 1 || strchr(word, '/') || lstat(word, &stat) == 0)
        return EXIT_SUCCESS;
    fail(word, "no such class, and no such path; the classes are persist and anon");
    return EXIT_USAGE;
}

/* Prints one object, as it is for one path, or all of them. */
static int print_answers(const struct answers *answers)
{
    struct json_object *answer;

    if (answers->several) {
        answer = json_object_new_object();
        json_object_object_add(answer, "classes", answers->json);
        return print_json(answer);
    }
    answer = json_object_get(json_object_array_get_idx(answers->json, 0));
    json_object_put(answers->json);
    return answer ? print_json(answer) : EXIT_FAILURE;
}

int cmd_class(const struct invocation *invocation)
{
    enum shmap_class class;
    bool given;
    int status = read_class_word(invocation, &given, &class);
    bool convert = invocation->choices[CHOICE_CONVERT];
    int count = invocation->count - given;
    struct answers answers = { .several = count > 1 };

    if (status == EXIT_SUCCESS && convert && !given) {
        warnx("class --convert: name the class that it is to be, persist or anon, last");
        status = EXIT_USAGE;
    }
    if (status != EXIT_SUCCESS)
        return status;
    if (invocation->json)
        answers.json = json_object_new_array();
    for (int i = 0; i < count; i++) {
        const char *path = invocation->arguments[i];

        if ((given ? assign_class(path, class, convert, &answers) : report_class(path, &answers)) !=
            EXIT_SUCCESS)
            status = EXIT_FAILURE;
    }
    if (answers.json && print_answers(&answers) != EXIT_SUCCESS)
        status = EXIT_FAILURE;
    return status;
}
