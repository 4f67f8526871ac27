// SPDX-License-Identifier: BSD-2-Clause
#include "tools/doctor/redaction.h"

#include <ctype.h>
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ui/array.h"

/* Where a path ends in a sentence, a list of options or a shell's words. */
#define AFTER_PATH " \t\n,;:()'\"=<>"

static int by_length(const void *one, const void *other)
{
    size_t a = strlen(((const struct alias *)one)->path);
    size_t b = strlen(((const struct alias *)other)->path);

    return (a < b) - (a > b);
}

void redaction_add(struct redaction *redaction, const char *path, const char *word)
{
    struct alias *alias;

    // The root directory is nobody's secret, and begins every path.
    if (!*path || strcmp(path, "/") == 0)
        return;
    for (size_t i = 0; i < redaction->count; i++) {
        if (strcmp(redaction->all[i].path, path) == 0)
            return;
    }
    redaction->all = array_grow(redaction->all, redaction->count, sizeof(*redaction->all));
    alias = &redaction->all[redaction->count++];
    alias->path = strdup(path);
    if (!alias->path)
        err(EXIT_FAILURE, NULL);
    snprintf(alias->name, sizeof(alias->name), "%s%zu", word, redaction->count);
    qsort(redaction->all, redaction->count, sizeof(*redaction->all), by_length);
}

void redaction_free(struct redaction *redaction)
{
    for (size_t i = 0; i < redaction->count; i++)
        free(redaction->all[i].path);
    free(redaction->all);
}

/* Returns whether a path is this one, or below it. */
static bool begins_with(const char *text, const char *path)
{
    size_t length = strlen(path);

    return strncmp(text, path, length) == 0 &&
           (text[length] == '\0' || text[length] == '/' || strchr(AFTER_PATH, text[length]));
}

/* Returns whether a path of /proc is one of a process, and so may lead anywhere. */
static bool is_of_process(const char *path)
{
    unsigned number;

    return sscanf(path, "/proc/%u", &number) == 1;
}

static bool is_public(const char *path)
{
    static const char *const places[] = { "/proc", "/sys",         "/dev",
                                          "/usr",  "/run/shmapfs", "/etc/fuse.conf" };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (begins_with(path, places[i]))
            return !is_of_process(path);
    }
    return false;
}

/* Writes a path by another name. Returns how long it is in the text. */
static size_t write_path(const struct redaction *redaction, const char *text, FILE *out)
{
    size_t length = strcspn(text, AFTER_PATH);

    for (size_t i = 0; i < redaction->count; i++) {
        const struct alias *alias = &redaction->all[i];
        size_t known = strlen(alias->path);

        if (!begins_with(text, alias->path))
            continue;
        fputs(alias->name, out);
        if (text[known] != '/')
            return known;
        fputs("/PATH", out);
        return known + strcspn(text + known, AFTER_PATH);
    }
    if (is_public(text))
        fwrite(text, 1, length, out);
    else
        fputs("PATH", out);
    return length;
}

/* Returns the length of an option's name and sign where one begins whose value is somebody's own
 * names: of directories, of a source, or of SELinux' users and types; 0: there is none. */
static size_t named_option(const char *text, bool begins)
{
    static const char *const options[] = { "anon=",       "scratch=",    "atomic=",
                                           "checkpoint=", "fsname=",     "context=",
                                           "fscontext=",  "defcontext=", "rootcontext=" };

    for (size_t i = 0; begins && i < sizeof(options) / sizeof(options[0]); i++) {
        if (strncmp(text, options[i], strlen(options[i])) == 0)
            return strlen(options[i]);
    }
    return 0;
}

/* Returns how long an option's value is: up to a comma, unless that is quoted, as in contexts, or
 * comes before a number, as among the nodes of an mpol=. */
static size_t value_length(const char *text)
{
    bool quoted = false;
    size_t length = 0;

    for (; text[length]; length++) {
        if (text[length] == ',' && !quoted && !isdigit((unsigned char)text[length + 1]))
            break;
        quoted ^= text[length] == '"';
    }
    // Without an end of the quotation the rest is taken for the value: too much rather than a name.
    return length;
}

/* Returns whether a word begins that is a path, or the rest of one with a space or such in it. */
static bool is_path(const char *text)
{
    size_t length = strcspn(text, AFTER_PATH);

    return length > 1 && memchr(text, '/', length);
}

char *redact(const struct redaction *redaction, const char *text)
{
    char *result = NULL;
    size_t length;
    FILE *out = open_memstream(&result, &length);
    bool begins = true; // a word

    if (!out)
        err(EXIT_FAILURE, NULL);
    while (*text) {
        size_t option = named_option(text, begins);

        if (option > 0) {
            fprintf(out, "%.*sNAMES", (int)option, text);
            text += option + value_length(text + option);
        } else if (begins && is_path(text)) {
            text += write_path(redaction, text, out);
            begins = false;
        } else {
            begins = strchr(AFTER_PATH, *text) != NULL;
            fputc(*text++, out);
        }
    }
    if (fclose(out) != 0)
        err(EXIT_FAILURE, NULL);
    return result;
}

char *redact_place(const struct redaction *redaction, const char *path)
{
    char *name;

    // A relative one is like any word, and would not be known in a sentence.
    for (size_t i = 0; i < redaction->count; i++) {
        if (strcmp(redaction->all[i].path, path) != 0)
            continue;
        name = strdup(redaction->all[i].name);
        if (!name)
            err(EXIT_FAILURE, NULL);
        return name;
    }
    return redact(redaction, path);
}
