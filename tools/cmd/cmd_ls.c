// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl ls: the objects and directories of a mount, how much of them is in memory, how many
 * processes use them, and which keep those that go with their last user. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cmd/command.h"
#include "tools/scan/selection.h"
#include "tools/scan/tally.h"
#include "tools/scan/target.h"
#include "tools/scan/users.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

static void note_users(struct objects *objects, const struct tally *tally)
{
    for (size_t i = 0; i < objects->count; i++) {
        struct object *object = &objects->all[i];

        object->entries = tally_find(tally, object->inode, &object->users);
    }
}

enum { COLUMNS = 10 };

/* Which columns there are beside those that are always there. */
struct shape {
    bool lifetimes; // an object may be removed with its last user
    bool commits;   // what is written to an object waits for a commit
};

static struct shape shape_of(const struct objects *objects)
{
    struct shape shape = { .lifetimes = false };

    for (size_t i = 0; i < objects->count; i++) {
        shape.lifetimes |= objects->all[i].lifetime.last_close;
        shape.commits |= object_has_commits(objects->all[i].class);
    }
    return shape;
}

static void add_pages(struct table *table, bool counted, uint64_t pages)
{
    if (counted)
        table_add(table, "%" PRIu64, pages);
    else
        table_add(table, "-");
}

static void add_contents(struct table *table, const struct object *object,
                         const struct shape *shape)
{
    if (object->is_directory) {
        for (int i = 0; i < (shape->commits ? 5 : 4); i++)
            table_add(table, "-");
        return;
    }
    table_add(table, "%s", humanize(object->size).text);
    table_add(table, "%s", humanize(object->allocated).text);
    add_pages(table, object->counted, object->pages.resident);
    add_pages(table, object->counted, object->pages.dirty);
    if (shape->commits)
        table_add(table, "%s",
                  object_has_commits(object->class) ? humanize(object->uncommitted).text : "-");
}

static void add_lifetime(struct table *table, const struct object *object)
{
    const struct shmap_lifetime *lifetime = &object->lifetime;

    if (object->class == SHMAP_PERSIST)
        table_add(table, "-");
    else if (lifetime->last_close && lifetime->linger > 0)
        table_add(table, "last-close+%us", lifetime->linger);
    else
        table_add(table, lifetime->last_close ? "last-close" : "mount");
}

/* Adds the first processes that keep a file, and how many more do. */
static void add_keepers(struct table *table, const struct object *object)
{
    enum { SHOWN_MAX = 3 };
    char text[256] = "";
    size_t keepers = 0;

    for (size_t i = 0; object->lifetime.last_close && i < object->users; i++) {
        const struct tally_entry *entry = &object->entries[i];
        size_t length = strlen(text);

        if (entry->keeps && keepers++ < SHOWN_MAX)
            snprintf(text + length, sizeof(text) - length, "%s%d %s", length ? ", " : "",
                     entry->user->pid, entry->user->command);
    }
    if (keepers > SHOWN_MAX)
        table_add(table, "%s and %zu more", text, keepers - SHOWN_MAX);
    else
        table_add(table, "%s", keepers ? text : "-");
}

static void add_sum(struct table *table, const struct object_sum *sum, const struct shape *shape)
{
    table_add(table, "total");
    if (shape->lifetimes)
        table_add(table, "-");
    table_add(table, "%s", humanize(sum->size).text);
    table_add(table, "%s", humanize(sum->allocated).text);
    add_pages(table, sum->counted, sum->pages.resident);
    add_pages(table, sum->counted, sum->pages.dirty);
    if (shape->commits)
        table_add(table, "%s", humanize(sum->uncommitted).text);
    table_add(table, "-");
    if (shape->lifetimes)
        table_add(table, "-");
    table_add(table, "%zu object%s, %zu director%s", sum->objects, sum->objects == 1 ? "" : "s",
              sum->directories, sum->directories == 1 ? "y" : "ies");
}

static void add_class(struct table *table, const struct object *object)
{
    if (object->next_class == object->class)
        table_add(table, "%s", shmap_class_name(object->class));
    else
        table_add(table, "%s->%s", shmap_class_name(object->class),
                  shmap_class_name(object->next_class));
}

static void add_row(struct table *table, const struct object *object, const struct shape *shape)
{
    add_class(table, object);
    if (shape->lifetimes)
        add_lifetime(table, object);
    add_contents(table, object, shape);
    table_add(table, "%zu", object->users);
    if (shape->lifetimes)
        add_keepers(table, object);
    table_add(table, "%s%s", object->path, object->is_directory ? "/" : "");
}

static void add_limited(struct table *table, const struct limited *limited,
                        const struct shape *shape)
{
    table_add(table, "limit");
    if (shape->lifetimes)
        table_add(table, "-");
    table_add(table, "%s", humanize(limited->size).text);
    table_add(table, "%s", humanize(limited->used).text);
    for (int i = 0; i < (shape->commits ? 4 : 3); i++)
        table_add(table, "-");
    if (shape->lifetimes)
        table_add(table, "-");
    table_add(table, "%s/", limited->path);
}

/* Picks the columns of a shape out of all. Returns how many there are. */
static size_t choose_columns(const struct shape *shape, struct column chosen[COLUMNS])
{
    static const struct {
        struct column column;
        bool of_lifetimes, of_commits;
    } all[COLUMNS] = {
        { .column = { "CLASS", false } },
        { .column = { "LIFETIME", false }, .of_lifetimes = true },
        { .column = { "SIZE", true } },
        { .column = { "ALLOCATED", true } },
        { .column = { "RESIDENT", true } },
        { .column = { "DIRTY", true } },
        { .column = { "UNCOMMITTED", true }, .of_commits = true },
        { .column = { "USERS", true } },
        { .column = { "KEPT BY", false }, .of_lifetimes = true },
        { .column = { "PATH", false } },
    };
    size_t count = 0;

    for (size_t i = 0; i < COLUMNS; i++) {
        if ((shape->lifetimes || !all[i].of_lifetimes) && (shape->commits || !all[i].of_commits))
            chosen[count++] = all[i].column;
    }
    return count;
}

static void show_objects(const struct objects *objects)
{
    struct object_sum sum = objects_sum(objects);
    struct shape shape = shape_of(objects);
    struct column columns[COLUMNS];
    struct table table;

    table_init(&table, columns, choose_columns(&shape, columns));
    for (size_t i = 0; i < objects->count; i++)
        add_row(&table, &objects->all[i], &shape);
    add_sum(&table, &sum, &shape);
    for (size_t i = 0; i < objects->limited_count; i++)
        add_limited(&table, &objects->limited[i], &shape);
    table_print(&table);
}

static void add_number(struct json_object *json, const char *name, uint64_t number)
{
    json_object_object_add(json, name, json_object_new_uint64(number));
}

static void add_all_pages(struct json_object *json, bool counted, const struct shmap_pages *pages)
{
    const struct {
        const char *name;
        uint64_t count;
    } members[] = { { "resident", pages->resident },
                    { "dirty", pages->dirty },
                    { "swapped", pages->swapped } };

    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        json_object_object_add(json, members[i].name,
                               counted ? json_object_new_uint64(members[i].count) : NULL);
}

static void add_lifetime_json(struct json_object *json, const struct object *object)
{
    const struct shmap_lifetime *lifetime = &object->lifetime;
    struct json_object *keepers;

    if (object->class == SHMAP_PERSIST)
        return;
    json_object_object_add(json, "lifetime",
                           json_object_new_string(lifetime->last_close ? "last-close" : "mount"));
    if (!lifetime->last_close)
        return;
    add_number(json, "linger", lifetime->linger);
    if (object->is_directory)
        return;
    keepers = json_object_new_array();
    for (size_t i = 0; i < object->users; i++) {
        if (object->entries[i].keeps)
            json_object_array_add(keepers, json_object_new_int(object->entries[i].user->pid));
    }
    json_object_object_add(json, "kept_by", keepers);
}

static struct json_object *object_to_json(const struct object *object)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "path", json_object_new_string(object->path));
    json_object_object_add(json, "class", json_object_new_string(shmap_class_name(object->class)));
    if (object->next_class != object->class)
        json_object_object_add(json, "next_class",
                               json_object_new_string(shmap_class_name(object->next_class)));
    if (!object->is_directory) {
        add_number(json, "size", object->size);
        add_number(json, "allocated", object->allocated);
        add_all_pages(json, object->counted, &object->pages);
    }
    if (!object->is_directory && object_has_commits(object->class))
        add_number(json, "uncommitted", object->uncommitted);
    json_object_object_add(json, "mtime", json_object_new_int64(object->modified.tv_sec));
    add_number(json, "users", object->users);
    add_lifetime_json(json, object);
    return json;
}

static struct json_object *sum_to_json(const struct object_sum *sum)
{
    struct json_object *json = json_object_new_object();

    add_number(json, "objects", sum->objects);
    add_number(json, "directories", sum->directories);
    add_number(json, "size", sum->size);
    add_number(json, "allocated", sum->allocated);
    add_all_pages(json, sum->counted, &sum->pages);
    add_number(json, "uncommitted", sum->uncommitted);
    return json;
}

static struct json_object *limited_to_json(const struct objects *objects)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < objects->limited_count; i++) {
        const struct limited *limited = &objects->limited[i];
        struct json_object *json = json_object_new_object();

        json_object_object_add(json, "path", json_object_new_string(limited->path));
        json_object_object_add(json, "words", json_object_new_string(limited->words));
        add_number(json, "size", limited->size);
        add_number(json, "used", limited->used);
        json_object_array_add(list, json);
    }
    return list;
}

static void show_objects_json(const char *path, const struct objects *objects, unsigned unseen)
{
    struct json_object *answer = json_object_new_object();
    struct json_object *list = json_object_new_array();
    struct json_object *directories = json_object_new_array();
    struct object_sum sum = objects_sum(objects);

    for (size_t i = 0; i < objects->count; i++) {
        const struct object *object = &objects->all[i];

        json_object_array_add(object->is_directory ? directories : list, object_to_json(object));
    }
    json_object_object_add(answer, "path", json_object_new_string(path));
    add_number(answer, "page_size", (uint64_t)sysconf(_SC_PAGESIZE));
    json_object_object_add(answer, "objects", list);
    json_object_object_add(answer, "directories", directories);
    json_object_object_add(answer, "total", sum_to_json(&sum));
    json_object_object_add(answer, "areas", limited_to_json(objects));
    add_number(answer, "unseen", unseen);
    print_json(answer);
}

/* Reads what is to be listed. Returns EXIT_SUCCESS, or an exit status after a line. */
static int read_selection(const struct invocation *invocation, struct selection *selection,
                          enum shmap_class *class)
{
    const char *key = invocation->choices[CHOICE_SORT];
    const char *word = invocation->choices[CHOICE_CLASS];

    *selection = (struct selection){ .reverse = invocation->choices[CHOICE_REVERSE],
                                     .name = invocation->choices[CHOICE_NAME],
                                     .used = invocation->choices[CHOICE_USED],
                                     .unused = invocation->choices[CHOICE_UNUSED] };
    if (key && !selection_find_key(key, &selection->key)) {
        fail(key, "not a key to sort by; there are path, size, allocated, resident, dirty, "
                  "uncommitted, users and mtime");
        return EXIT_USAGE;
    }
    if (word && shmap_class_parse(word, strlen(word), class) != 0) {
        fail(word, "no such class; the classes are persist, anon, atomic, checkpoint and "
                   "scratch");
        return EXIT_USAGE;
    }
    selection->class = word ? class : NULL;
    return EXIT_SUCCESS;
}

/* Returns whether a mount can be listed: its store answers. */
static bool is_listable(const char *path)
{
    struct shmap_status status;

    if (shmap_status_get(path, &status) != 0 || status.store_silent_since == 0)
        return true;
    fail(path,
         "its store does not answer, so that it cannot be listed; name an anonymous directory "
         "to ls(1)");
    return false;
}

int cmd_ls(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    struct selection selection;
    struct scan_target target;
    enum shmap_class class;
    struct objects objects;
    struct users users;
    struct tally tally;
    int status = read_selection(invocation, &selection, &class), error;

    if (status != EXIT_SUCCESS)
        return status;
    if (!is_listable(path) || scan_target_find(path, &target) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    status = objects_find(path, &target, &objects);
    error = users_find(target.stat.st_dev, USERS_OF_ALL, &users);
    if (error) {
        objects_free(&objects);
        return fail("/proc", "%s", strerror(-error));
    }
    tally = tally_users(&users);
    note_users(&objects, &tally);
    selection_apply(&selection, &objects);
    if (invocation->json)
        show_objects_json(path, &objects, users.unseen);
    else
        show_objects(&objects);
    users_report_unseen(&users);
    tally_free(&tally);
    users_free(&users);
    objects_free(&objects);
    return status;
}
