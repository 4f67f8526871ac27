// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl class: what happens to the files below a directory, and how long they live. */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"
#include "tools/cmd/command.h"
#include "tools/convert/convert.h"
#include "tools/file_class/file_class.h"
#include "tools/limit/limit.h"
#include "tools/promotion/promotion.h"
#include "tools/scan/target.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/lifetime_options.h"
#include "tools/ui/output.h"

static int fail_class_get(const char *path, int error)
{
    struct stat st;

    if (error == -ENODATA)
        return fail(path, "not a file or directory of a shmapfs mount; only these have a class");
    // The kernel asks for that right as for any attribute in the name space `user`.
    if (error == -EACCES && stat(path, &st) == 0)
        return fail(path, "permission denied; only who may read it is told its class");
    return fail(path, "%s", strerror(-error));
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int fail_class_set(const char *path, enum shmap_class class, int error)
{
    struct shmap_status status;

    switch (-error) {
    case ENOTEMPTY:
        return fail(path, "the directory is not empty; set the class of a new one, or give this "
                          "one another with: shmapctl class --convert");
    case ENOTDIR:
        return fail(path, "no file has a class for itself where files do not last; move it to a "
                          "persisted directory, or set the class of a directory");
    case ENOSPC:
        return fail(path, "does not fit into the RAM area; make that larger with: shmapctl resize");
    case EINVAL:
        if (is_file(path))
            return fail(path,
                        "a single file is persist, anon, atomic or checkpoint; make a scratch "
                        "directory, and move it there");
        if (shmap_status_get(path, &status) == 0)
            return fail(path, "the root of a mount keeps its class; make a directory below it and "
                              "set the class of that one");
        return fail_class(path, class, error);
    case EOPNOTSUPP:
        return fail_class(path, class, error);
    case EPERM:
    case EACCES:
        return fail(path, "permission denied; only the owner and root set a class");
    case EROFS:
        return fail(path, "the mount is read-only; set the class where it is mounted for writing");
    default:
        return fail_class_get(path, error);
    }
}

static int fail_lifetime_set(const char *path, int error)
{
    switch (-error) {
    case ENOTDIR:
        return fail(path, "not a directory; give a directory the lifetime, and all files that are "
                          "made in it have it");
    case EINVAL:
        return fail(path, "what is in it lasts; a lifetime is for anonymous directories, such as "
                          "those of: shmapctl class DIRECTORY anon");
    case EOPNOTSUPP:
        return fail(path, "it cannot be known there when a file has lost its last user; this takes "
                          "Linux 6.6, or where data passes through the kernel 6.12");
    case EPERM:
    case EACCES:
        return fail(path, "permission denied; only the directory's owner and root set its "
                          "lifetime");
    case EROFS:
        return fail(path,
                    "the mount is read-only; set the lifetime where it is mounted for writing");
    default:
        return fail_class_get(path, error);
    }
}

/* The things that paths are to be given. */
struct wanted {
    bool class_given;
    enum shmap_class class;
    bool convert;
    const char *to;
    bool lifetime_given;
    struct shmap_lifetime lifetime;
    struct limit limit;
};

/* How the classes of paths are shown. */
struct answers {
    struct json_object *json; // an array; NULL: in words
    bool several;             // and not of one path alone
};

static void add_lifetime_of(struct json_object *answer, const char *path)
{
    struct shmap_lifetime lifetime;

    if (shmap_lifetime_get(path, &lifetime) != 0)
        return;
    json_object_object_add(answer, "lifetime",
                           json_object_new_string(lifetime.last_close ? "last-close" : "mount"));
    if (lifetime.last_close)
        json_object_object_add(answer, "linger", json_object_new_int((int)lifetime.linger));
}

static void show_class(const char *path, enum shmap_class class, const struct answers *answers)
{
    const char *name = shmap_class_name(class);
    CLEANUP_FREE char *pending = answers->json ? NULL : file_class_pending(path);

    if (answers->json) {
        struct json_object *answer = json_object_new_object();
        char words[SHMAP_AREA_WORDS_MAX];

        json_object_object_add(answer, "path", json_object_new_string(path));
        json_object_object_add(answer, "class", json_object_new_string(name));
        add_lifetime_of(answer, path);
        file_class_add_pending(path, answer);
        if (shmap_area_get(path, words) == 0)
            json_object_object_add(answer, "area", json_object_new_string(words));
        json_object_array_add(answers->json, answer);
    } else if (answers->several) {
        char *visible = printable(path);

        printf("%-10s  %s%s%s\n", name, visible, pending ? ": " : "", pending ? pending : "");
        free(visible);
    } else {
        printf("%s%s%s\n", name, pending ? "; " : "", pending ? pending : "");
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

/* Gives a file that does not last a name that does. */
static int promote(const char *path, const struct wanted *wanted, const struct answers *answers)
{
    char placed[PATH_MAX];
    char *visible;
    int status = promotion_make(path, wanted->to, placed);

    if (status != EXIT_SUCCESS)
        return status;
    if (answers->json)
        return report_class(placed, answers);
    visible = printable(placed);
    puts(visible);
    free(visible);
    return EXIT_SUCCESS;
}

/* Gives a path its class, or leaves it as it is. */
static int assign_class(const char *path, const struct wanted *wanted)
{
    int error;

    if (wanted->convert)
        return convert_directory(path, wanted->class);
    if (*wanted->limit.words) {
        error = wanted->class == SHMAP_SCRATCH ? shmap_scratch_set(path, wanted->limit.words)
                                               : shmap_anon_set(path, wanted->limit.words);
        return error ? fail_limit(path, wanted->class, &wanted->limit, error) : EXIT_SUCCESS;
    }
    error = wanted->class_given ? shmap_class_set(path, wanted->class) : 0;
    return error ? fail_class_set(path, wanted->class, error) : EXIT_SUCCESS;
}

/* Tells of a file that gets its class later. */
static int tell_pending(const char *path)
{
    CLEANUP_FREE char *pending = file_class_pending(path);
    CLEANUP_FREE char *visible = pending ? printable(path) : NULL;

    if (pending)
        printf("%s: %s\n", visible, pending);
    return EXIT_SUCCESS;
}

/* Gives a path all that is wanted, or nothing of it. */
static int assign(const char *path, const struct wanted *wanted, const struct answers *answers)
{
    enum shmap_class before;
    bool known = shmap_class_get(path, &before) == 0;
    int error;

    if (wanted->class_given && wanted->class == SHMAP_PERSIST && promotion_is_of(path))
        return promote(path, wanted, answers);
    if (wanted->to)
        return fail(path, "no file of a scratch directory, which alone --to is for");
    if (assign_class(path, wanted) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    error = wanted->lifetime_given ? shmap_lifetime_set(path, &wanted->lifetime) : 0;
    if (error && known && wanted->class_given && before != wanted->class)
        shmap_class_set(path, before);
    if (error)
        return fail_lifetime_set(path, error);
    if (!answers->json)
        return tell_pending(path);
    return report_class(path, answers);
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
    fail(word, "no such class, and no such path; the classes are persist, anon, atomic, "
               "checkpoint and scratch");
    return EXIT_USAGE;
}

static int read_limit(const struct invocation *invocation, struct limit *limit)
{
    const char *const given[LIMIT_WORDS] = {
        [LIMIT_SIZE] = invocation->choices[CHOICE_SIZE],
        [LIMIT_INODES] = invocation->choices[CHOICE_INODES],
        [LIMIT_HUGE] = invocation->choices[CHOICE_HUGE],
        [LIMIT_POLICY] = invocation->choices[CHOICE_POLICY],
        [LIMIT_NOSWAP] = invocation->choices[CHOICE_NOSWAP],
    };

    return limit_of(given, limit);
}

static bool can_have_limit(const struct wanted *wanted)
{
    return wanted->class_given && (wanted->class == SHMAP_ANON || wanted->class == SHMAP_SCRATCH);
}

/* Reads what paths are to be given. Returns EXIT_SUCCESS, or an exit status after a line. */
static int read_wanted(const struct invocation *invocation, struct wanted *wanted)
{
    const char *when = invocation->choices[CHOICE_LIFETIME];
    const char *linger = invocation->choices[CHOICE_LINGER];
    int status;

    *wanted = (struct wanted){ .convert = invocation->choices[CHOICE_CONVERT],
                               .to = invocation->choices[CHOICE_TO],
                               .lifetime_given = when };
    status = read_class_word(invocation, &wanted->class_given, &wanted->class);
    if (status != EXIT_SUCCESS)
        return status;
    status = read_limit(invocation, &wanted->limit);
    if (status != EXIT_SUCCESS)
        return status;
    if (lifetime_options_lack("class", when, linger) ||
        (when && !lifetime_options_read("class", when, linger, &wanted->lifetime)))
        return EXIT_USAGE;
    if (wanted->to && (wanted->convert || !wanted->class_given || wanted->class != SHMAP_PERSIST ||
                       invocation->count != 2))
        warnx("class: --to is for one file of a scratch directory: class FILE persist --to PATH");
    else if (wanted->convert && !wanted->class_given)
        warnx("class --convert: name the class that it is to be, such as persist, last");
    else if (wanted->convert && when)
        warnx("class --convert: what is copied has no lifetime of its own; give --lifetime in a "
              "command of its own, for what is made later");
    else if (when && wanted->class_given && wanted->class != SHMAP_ANON)
        warnx("class: --lifetime is for anonymous directories; leave it out, or make it anon");
    else if (*wanted->limit.words && !can_have_limit(wanted))
        warnx("class: %s is for the classes anon and scratch; name one of them last",
              wanted->limit.words);
    else if (*wanted->limit.words && wanted->convert)
        warnx("class --convert: a directory gets a limit for itself while it is empty; make one "
              "with %s, and copy",
              wanted->limit.words);
    else
        return EXIT_SUCCESS;
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
    struct wanted wanted;
    int status = read_wanted(invocation, &wanted);
    int count = invocation->count - wanted.class_given;
    bool gives = wanted.class_given || wanted.lifetime_given;
    struct answers answers = { .several = count > 1 };

    if (status != EXIT_SUCCESS)
        return status;
    if (invocation->json)
        answers.json = json_object_new_array();
    for (int i = 0; i < count; i++) {
        const char *path = invocation->arguments[i];

        if ((gives ? assign(path, &wanted, &answers) : report_class(path, &answers)) !=
            EXIT_SUCCESS)
            status = EXIT_FAILURE;
    }
    if (answers.json && print_answers(&answers) != EXIT_SUCCESS)
        status = EXIT_FAILURE;
    return status;
}
