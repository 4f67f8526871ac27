// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl ls: the objects and directories of a mount, how much of them is in memory, and how many
 * processes use them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cmd/command.h"
#include "tools/scan/selection.h"
#include "tools/scan/target.h"
#include "tools/scan/users.h"
#include "tools/ui/array.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

/* The inode number of each file that a process uses, once for each process, in ascending order. */
struct tally {
    uint64_t *inodes;
    size_t count;
};

static void tally_user(struct tally *tally, const struct user *user)
{
    qsort(user->uses, user->count, sizeof(*user->uses), array_compare);
    for (size_t i = 0; i < user->count; i++) {
        if (i > 0 && user->uses[i].inode == user->uses[i - 1].inode)
            continue;
        tally->inodes = array_grow(tally->inodes, tally->count, sizeof(*tally->inodes));
        tally->inodes[tally->count++] = user->uses[i].inode;
    }
}

static struct tally tally_users(const struct users *users)
{
    struct tally tally = { 0 };

    for (size_t i = 0; i < users->count; i++)
        tally_user(&tally, &users->all[i]);
    if (tally.count > 0)
        qsort(tally.inodes, tally.count, sizeof(*tally.inodes), array_compare);
    return tally;
}

/* Returns how many of the numbers are less than this one. */
static size_t count_below(const struct tally *tally, uint64_t inode)
{
    size_t low = 0, high = tally->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tally->inodes[middle] < inode)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t count_users(const struct tally *tally, uint64_t inode)
{
    return count_below(tally, inode + 1) - count_below(tally, inode);
}

static void count_all_users(struct objects *objects, const struct users *users)
{
    struct tally tally = tally_users(users);

    for (size_t i = 0; i < objects->count; i++)
        objects->all[i].users = count_users(&tally, objects->all[i].inode);
    free(tally.inodes);
}

static void add_pages(struct table *table, bool counted, uint64_t pages)
{
    if (counted)
        table_add(table, "%" PRIu64, pages);
    else
        table_add(table, "-");
}

static void add_contents(struct table *table, const struct object *object)
{
    if (object->is_directory) {
        for (int i = 0; i < 4; i++)
            table_add(table, "-");
        return;
    }
    table_add(table, "%s", humanize(object->size).text);
    table_add(table, "%s", humanize(object->allocated).text);
    add_pages(table, object->counted, object->pages.resident);
    add_pages(table, object->counted, object->pages.dirty);
}

static void add_sum(struct table *table, const struct object_sum *sum)
{
    table_add(table, "total");
    table_add(table, "%s", humanize(sum->size).text);
    table_add(table, "%s", humanize(sum->allocated).text);
    add_pages(table, sum->counted, sum->pages.resident);
    add_pages(table, sum->counted, sum->pages.dirty);
    table_add(table, "-");
    table_add(table, "%zu object%s, %zu director%s", sum->objects, sum->objects == 1 ? "" : "s",
              sum->directories, sum->directories == 1 ? "y" : "ies");
}

static void show_objects(const struct objects *objects)
{
    static const struct column columns[] = {
        { "CLASS", false }, { "SIZE", true },  { "ALLOCATED", true }, { "RESIDENT", true },
        { "DIRTY", true },  { "USERS", true }, { "PATH", false },
    };
    struct object_sum sum = objects_sum(objects);
    struct table table;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < objects->count; i++) {
        const struct object *object = &objects->all[i];

        table_add(&table, "%s", shmap_class_name(object->class));
        add_contents(&table, object);
        table_add(&table, "%zu", object->users);
        table_add(&table, "%s%s", object->path, object->is_directory ? "/" : "");
    }
    add_sum(&table, &sum);
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

static struct json_object *object_to_json(const struct object *object)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "path", json_object_new_string(object->path));
    json_object_object_add(json, "class", json_object_new_string(shmap_class_name(object->class)));
    if (!object->is_directory) {
        add_number(json, "size", object->size);
        add_number(json, "allocated", object->allocated);
        add_all_pages(json, object->counted, &object->pages);
    }
    json_object_object_add(json, "mtime", json_object_new_int64(object->modified.tv_sec));
    add_number(json, "users", object->users);
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
    return json;
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
        fail(key, "not a key to sort by; there are path, size, allocated, resident, dirty, users "
                  "and mtime");
        return EXIT_USAGE;
    }
    if (word && shmap_class_parse(word, strlen(word), class) != 0) {
        fail(word, "no such class; the classes are persist and anon");
        return EXIT_USAGE;
    }
    selection->class = word ? class : NULL;
    return EXIT_SUCCESS;
}

int cmd_ls(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    struct selection selection;
    struct scan_target target;
    enum shmap_class class;
    struct objects objects;
    struct users users;
    int status = read_selection(invocation, &selection, &class), error;

    if (status != EXIT_SUCCESS)
        return status;
    if (scan_target_find(path, &target) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    status = objects_find(path, &target, &objects);
    error = users_find(target.stat.st_dev, USERS_OF_ALL, &users);
    if (error) {
        objects_free(&objects);
        return fail("/proc", "%s", strerror(-error));
    }
    count_all_users(&objects, &users);
    selection_apply(&selection, &objects);
    if (invocation->json)
        show_objects_json(path, &objects, users.unseen);
    else
        show_objects(&objects);
    users_report_unseen(&users);
    users_free(&users);
    objects_free(&objects);
    return status;
}
