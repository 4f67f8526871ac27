// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/remount_anon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "lib/area/anon_list.h"

struct names {
    const char *rest;
    struct anon_item item;   // the last one
    char name[PATH_MAX];     // of it
    char path[2 * PATH_MAX]; // likewise
    const char *mountpoint;
    enum shmap_class class;
    char list[sizeof(((struct shmap_status *)0)->options)]; // what `rest` points to
};

static void names_begin(struct names *names, enum shmap_class class,
                        const struct shmap_status *status, const char *text)
{
    *names = (struct names){ .mountpoint = status->mountpoint, .class = class };
    strlcpy(names->list, text ? text : "", sizeof(names->list));
    names->rest = text ? names->list : NULL;
}

/* Returns the next name; NULL: there is none, or what follows is malformed. */
static const char *names_next(struct names *names)
{
    if (anon_list_next(&names->rest, &names->item) <= 0)
        return NULL;
    snprintf(names->name, sizeof(names->name), "%.*s", (int)names->item.path_length,
             names->item.path);
    snprintf(names->path, sizeof(names->path), "%s/%s", names->mountpoint, names->name);
    return names->name;
}

/* Begins with the names that a mount has for a class. Those of anon= are the last option. */
static void names_begin_of(struct names *names, enum shmap_class class,
                           const struct shmap_status *status)
{
    const char *word = class == SHMAP_ANON ? ",anon=" : ",scratch=";
    const char *at = strstr(status->options, word);

    names_begin(names, class, status, at ? at + strlen(word) : NULL);
    if (class != SHMAP_ANON)
        names->list[strcspn(names->list, ",")] = '\0';
}

static bool is_listed(const struct shmap_status *status, enum shmap_class class, const char *name)
{
    struct names names;
    const char *listed;

    names_begin_of(&names, class, status);
    while ((listed = names_next(&names))) {
        if (strcmp(listed, name) == 0)
            return true;
    }
    return false;
}

/* Returns whether the words of a directory are in force; otherwise finds those that are to be, as
 * shmap_area_set() takes them. */
static bool is_in_force(const struct names *names, char words[AREA_WORDS_MAX])
{
    char now[AREA_WORDS_MAX], then[AREA_WORDS_MAX];
    struct area_words merged;

    area_words_print(&names->item.words, words);
    if (shmap_area_get(names->path, now) != 0 || area_words_parse(now, &merged) != 0)
        return false;
    area_words_merge(&merged, &names->item.words);
    return area_words_print(&merged, then) == 0 && strcmp(now, then) == 0;
}

/* Checks that a directory has a RAM area for itself, which can be as its words say. */
static int check_area(const struct names *names, struct complaint *complaint)
{
    const char *word = shmap_class_name(names->class);
    char words[AREA_WORDS_MAX];
    struct statvfs vfs;
    uint64_t size;

    if (is_in_force(names, words))
        return 0;
    if (shmap_area_get(names->path, words) != 0)
        return complain(complaint, EOPNOTSUPP,
                        "option '%s=%s': %s has no limit for itself; give it one while it is "
                        "empty, with: shmapctl class %s %s --size %s",
                        word, names->name, names->path, names->path, word, names->item.words.size);
    if (statvfs(names->path, &vfs) == 0 && ram_parse_size(names->item.words.size, &size) == 0 &&
        size < (uint64_t)(vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize)
        return complain(complaint, EBUSY,
                        "option '%s=%s': size=%s is less than what is in use there; name a larger "
                        "size",
                        word, names->name, names->item.words.size);
    return 0;
}

int remount_anon_check(const char *given, enum shmap_class of, const struct shmap_status *status,
                       bool read_only, struct complaint *complaint)
{
    const char *word = shmap_class_name(of);
    struct names names;
    const char *name;

    names_begin(&names, of, status, given);
    while ((name = names_next(&names))) {
        enum shmap_class class;
        int error = shmap_class_get(names.path, &class);

        if (!error && class == of) {
            error = names.item.has_words ? check_area(&names, complaint) : 0;
            if (error)
                return error;
            continue;
        }
        // A directory that is missing will be anonymous when it is made.
        if (is_listed(status, of, name) && (read_only || error == -ENOENT))
            continue;
        return complain(complaint, EOPNOTSUPP,
                        "option '%s=%s' is for a mount that begins; make the directory %s with: "
                        "shmapctl class %s %s",
                        word, name, of == SHMAP_ANON ? "anonymous" : word, names.path, word);
    }
    if (names.item.wrong)
        return complain(complaint, EINVAL,
                        "option '%s': %.*s is out of place or no good value; see shmapfs(8)", word,
                        (int)names.item.wrong_length, names.item.wrong);
    return 0;
}

int remount_anon_limit(const char *given, enum shmap_class of, const struct shmap_status *status,
                       struct complaint *complaint)
{
    struct names names;
    char words[AREA_WORDS_MAX];

    names_begin(&names, of, status, given);
    while (names_next(&names)) {
        int error;

        if (!names.item.has_words || is_in_force(&names, words))
            continue;
        error = shmap_area_set(names.path, words);
        // One that is missing gets its area when it is made.
        if (error && error != -ENOENT)
            return complain(complaint, -error, "option '%s=%s': %s cannot be had: %s",
                            shmap_class_name(of), names.name, words, strerror(-error));
    }
    return 0;
}

static int check_writable_names(enum shmap_class of, const struct shmap_status *status,
                                struct complaint *complaint)
{
    struct names names;
    const char *name;

    names_begin_of(&names, of, status);
    while ((name = names_next(&names))) {
        enum shmap_class class;

        if (shmap_class_get(names.path, &class) == 0 && class != of)
            return complain(complaint, EOPNOTSUPP,
                            "option 'rw': %s of %s= is persistent until a mount begins that is not "
                            "read-only; unmount %s, and mount it anew",
                            name, shmap_class_name(of), status->mountpoint);
    }
    return 0;
}

int remount_anon_check_writable(const struct shmap_status *status, struct complaint *complaint)
{
    int error = check_writable_names(SHMAP_ANON, status, complaint);

    return error ? error : check_writable_names(SHMAP_SCRATCH, status, complaint);
}

void remount_anon_mark(const struct shmap_status *status)
{
    struct names names;

    names_begin_of(&names, SHMAP_ANON, status);
    if (!strstr(status->options, ",skeleton,"))
        return;
    // Those that are missing get the mark when they are made.
    while (names_next(&names))
        shmap_skeleton_set(names.path, true);
}
