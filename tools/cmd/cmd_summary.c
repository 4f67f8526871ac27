// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl summary: how much there is below a directory, and what takes the most. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/cmd/command.h"
#include "tools/summary/summary.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

enum { USUAL_LARGEST = 10, MOST_LARGEST = 10000 };

/* Reads how many of the largest files are wanted. Returns -1 after a line. */
static long read_count(const char *text)
{
    char *end;
    long count;

    if (!text)
        return USUAL_LARGEST;
    errno = 0;
    count = strtol(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && count >= 0 && count <= MOST_LARGEST)
        return count;
    fail(text, "not a number of files; write one from 0 to %d", MOST_LARGEST);
    return -1;
}

static void add_amount_row(struct table *table, const char *name, const struct amount_of *amount)
{
    table_add(table, "%s", name);
    table_add(table, "%" PRIu64, amount->files);
    table_add(table, "%s", humanize(amount->size).text);
    table_add(table, "%s", humanize(amount->allocated).text);
}

static void show_amounts(const struct summary *summary)
{
    static const struct column columns[] = {
        { "CLASS", false }, { "FILES", true }, { "SIZE", true }, { "ALLOCATED", true }
    };
    struct table table;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (enum shmap_class class = 0; class < SHMAP_CLASSES; class ++) {
        if (summary->classes[class].files > 0)
            add_amount_row(&table, shmap_class_name(class), &summary->classes[class]);
    }
    add_amount_row(&table, "all", &summary->total);
    table_print(&table);
    printf("in %" PRIu64 " directories, beside %" PRIu64 " other names\n", summary->directories,
           summary->others);
}

static void show_largest(const struct summary *summary)
{
    static const struct column columns[] = {
        { "SIZE", true }, { "ALLOCATED", true }, { "CLASS", false }, { "PATH", false }
    };
    struct table table;

    if (summary->count == 0)
        return;
    putchar('\n');
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < summary->count; i++) {
        const struct large_file *file = &summary->largest[i];

        table_add(&table, "%s", humanize(file->size).text);
        table_add(&table, "%s", humanize(file->allocated).text);
        table_add(&table, "%s", summary->has_classes ? shmap_class_name(file->class) : "-");
        table_add(&table, "%s", file->path);
    }
    table_print(&table);
}

static void add_amount_members(struct json_object *object, const struct amount_of *amount)
{
    json_object_object_add(object, "files", json_object_new_uint64(amount->files));
    json_object_object_add(object, "size", json_object_new_uint64(amount->size));
    json_object_object_add(object, "allocated", json_object_new_uint64(amount->allocated));
}

static struct json_object *classes_to_json(const struct summary *summary)
{
    struct json_object *array = json_object_new_array();

    for (enum shmap_class class = 0; class < SHMAP_CLASSES; class ++) {
        struct json_object *object;

        if (summary->classes[class].files == 0)
            continue;
        object = json_object_new_object();
        json_object_object_add(object, "class", json_object_new_string(shmap_class_name(class)));
        add_amount_members(object, &summary->classes[class]);
        json_object_array_add(array, object);
    }
    return array;
}

static struct json_object *largest_to_json(const struct summary *summary)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < summary->count; i++) {
        const struct large_file *file = &summary->largest[i];
        struct json_object *object = json_object_new_object();

        json_object_object_add(object, "path", json_object_new_string(file->path));
        json_object_object_add(
            object, "class",
            summary->has_classes ? json_object_new_string(shmap_class_name(file->class)) : NULL);
        json_object_object_add(object, "size", json_object_new_uint64(file->size));
        json_object_object_add(object, "allocated", json_object_new_uint64(file->allocated));
        json_object_array_add(array, object);
    }
    return array;
}

static void show_json(const char *path, const struct summary *summary)
{
    struct json_object *answer = json_object_new_object();

    json_object_object_add(answer, "path", json_object_new_string(path));
    add_amount_members(answer, &summary->total);
    json_object_object_add(answer, "directories", json_object_new_uint64(summary->directories));
    json_object_object_add(answer, "others", json_object_new_uint64(summary->others));
    json_object_object_add(answer, "classes", classes_to_json(summary));
    json_object_object_add(answer, "largest", largest_to_json(summary));
    print_json(answer);
}

int cmd_summary(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    long count = read_count(invocation->choices[CHOICE_COUNT]);
    struct summary summary;
    struct stat st;
    int status;

    if (count < 0)
        return EXIT_USAGE;
    if (stat(path, &st) != 0)
        return fail(path, "%s", strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return fail(path, "not a directory; name one");
    status = summary_make(path, (size_t)count, &summary);
    if (invocation->json) {
        show_json(path, &summary);
    } else {
        show_amounts(&summary);
        show_largest(&summary);
    }
    summary_free(&summary);
    return status;
}
