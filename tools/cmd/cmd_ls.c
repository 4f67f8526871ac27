// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl ls: the objects of a mount, how much of them is in memory, and how many processes use
 * them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cmd/command.h"
#include "tools/scan/objects.h"
#include "tools/scan/target.h"
#include "tools/scan/users.h"
#include "tools/ui/array.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

/* The inode number of each file that a process uses, once for each process, in ascending order. */
struct tally {
    uint64_t *inodes;
    size_t count;
};

static int compare_numbers(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return (first > second) - (first < second);
}

static int compare_inodes(const void *a, const void *b)
{
    return compare_numbers(&((const struct file_use *)a)->inode,
                           &((const struct file_use *)b)->inode);
}

static void tally_user(struct tally *tally, const struct user *user)
{
    qsort(user->uses, user->count, sizeof(*user->uses), compare_inodes);
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
        qsort(tally.inodes, tally.count, sizeof(*tally.inodes), compare_numbers);
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

static void add_pages(struct table *table, const struct object *object, uint64_t pages)
{
    if (object->counted)
        table_add(table, "%" PRIu64, pages);
    else
        table_add(table, "-");
}

static void show_objects(const struct objects *objects, const struct tally *tally)
{
    static const struct column columns[] = {
        { "CLASS", false }, { "SIZE", true },  { "ALLOCATED", true }, { "RESIDENT", true },
        { "DIRTY", true },  { "USERS", true }, { "PATH", false },
    };
    struct table table;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < objects->count; i++) {
        const struct object *object = &objects->all[i];

        table_add(&table, "%s", shmap_class_name(object->class));
        table_add(&table, "%s", humanize(object->size).text);
        table_add(&table, "%s", humanize(object->allocated).text);
        add_pages(&table, object, object->pages.resident);
        add_pages(&table, object, object->pages.dirty);
        table_add(&table, "%zu", count_users(tally, object->inode));
        table_add(&table, "%s", object->path);
    }
    table_print(&table);
}

static void add_number(struct json_object *json, const char *name, uint64_t number)
{
    json_object_object_add(json, name, json_object_new_uint64(number));
}

static void add_counted(struct json_object *json, const char *name, const struct object *object,
                        uint64_t pages)
{
    json_object_object_add(json, name, object->counted ? json_object_new_uint64(pages) : NULL);
}

static struct json_object *object_to_json(const struct object *object, size_t users)
{
    struct json_object *json = json_object_new_object();

    json_object_object_add(json, "path", json_object_new_string(object->path));
    json_object_object_add(json, "class", json_object_new_string(shmap_class_name(object->class)));
    add_number(json, "size", object->size);
    add_number(json, "allocated", object->allocated);
    add_counted(json, "resident", object, object->pages.resident);
    add_counted(json, "dirty", object, object->pages.dirty);
    add_counted(json, "swapped", object, object->pages.swapped);
    add_number(json, "users", users);
    return json;
}

static void show_objects_json(const char *path, const struct objects *objects,
                              const struct tally *tally, unsigned unseen)
{
    struct json_object *answer = json_object_new_object();
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < objects->count; i++) {
        const struct object *object = &objects->all[i];

        json_object_array_add(list, object_to_json(object, count_users(tally, object->inode)));
    }
    json_object_object_add(answer, "path", json_object_new_string(path));
    add_number(answer, "page_size", (uint64_t)sysconf(_SC_PAGESIZE));
    json_object_object_add(answer, "objects", list);
    add_number(answer, "unseen", unseen);
    print_json(answer);
}

int cmd_ls(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    struct scan_target target;
    struct objects objects;
    struct users users;
    struct tally tally;
    int status, error;

    if (scan_target_find(path, &target) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    status = objects_find(path, &target, &objects);
    error = users_find(target.stat.st_dev, USERS_OF_ALL, &users);
    if (error) {
        objects_free(&objects);
        return fail("/proc", "%s", strerror(-error));
    }
    tally = tally_users(&users);
    if (invocation->json)
        show_objects_json(path, &objects, &tally, users.unseen);
    else
        show_objects(&objects, &tally);
    users_report_unseen(&users);
    free(tally.inodes);
    users_free(&users);
    objects_free(&objects);
    return status;
}
