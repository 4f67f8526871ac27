// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl list: the mounts of the machine, a line for each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"
#include "tools/cmd/command.h"
#include "tools/scan/mount_list.h"
#include "tools/scan/mount_states.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

/* Returns why a mount cannot tell its state; NULL: it can. */
static const char *problem_of(const struct listed_mount *mount, int error)
{
    switch (-error) {
    case 0:
        return NULL;
    case ESTALE:
        return mount->pid ? "out of reach" : "covered by another mount";
    case ENOTCONN:
        return "dead; unmount it";
    case ETIMEDOUT:
        return "does not answer";
    case EPROTO:
        return "of a version that this shmapctl does not understand";
    case ENODATA:
        return strcmp(mount->root, "/") == 0 ? "no shmapfs" : "a bind mount of a directory";
    case EACCES:
    case EPERM:
        return "out of reach";
    default:
        return strerror(-error);
    }
}

static void add_row(struct table *table, const struct listed_mount *mount,
                    const struct shmap_status *status, const char *problem)
{
    table_add(table, "%s", mount->path);
    if (problem) {
        table_add(table, "%s", mount->source);
        table_add(table, "-");
        table_add(table, "-");
        table_add(table, "%s", problem);
        return;
    }
    table_add(table, "%s", *status->store ? status->store : "-");
    table_add(table, "%s", humanize(status->ram_area.used).text);
    table_add(table, "%s", humanize(status->ram_area.size).text);
    table_add(table, "served by %s%s", status->version,
              status->store_silent_since ? "; its store does not answer"
              : *status->store_error     ? "; its store fails"
                                         : "");
}

static void add_text(struct json_object *object, const char *name, const char *text)
{
    json_object_object_add(object, name, text ? json_object_new_string(text) : NULL);
}

static struct json_object *mount_to_json(const struct listed_mount *mount,
                                         const struct shmap_status *status, const char *problem)
{
    struct json_object *object = json_object_new_object();

    add_text(object, "mountpoint", mount->path);
    json_object_object_add(object, "pid", mount->pid ? json_object_new_int(mount->pid) : NULL);
    add_text(object, "root", mount->root);
    add_text(object, "source", mount->source);
    add_text(object, "mount_options", mount->flags);
    add_text(object, "problem", problem);
    json_object_object_add(object, "status", problem ? NULL : status_object(status));
    return object;
}

int cmd_list(const struct invocation *invocation)
{
    static const struct column columns[] = { { "MOUNTPOINT", false },
                                             { "STORE", false },
                                             { "RAM USED", true },
                                             { "RAM SIZE", true },
                                             { "STATE", false } };
    struct json_object *answer = json_object_new_object(), *mounts = json_object_new_array();
    struct mount_list list;
    struct mount_states states;
    struct table table;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    mount_list_find(0, &list);
    mount_list_drop_copies(&list);
    mount_states_get(&list, &states);
    for (size_t i = 0; i < list.count; i++) {
        const char *problem = problem_of(&list.all[i], states.errors[i]);

        add_row(&table, &list.all[i], &states.all[i].status, problem);
        json_object_array_add(mounts, mount_to_json(&list.all[i], &states.all[i].status, problem));
    }
    mount_states_free(&states);
    mount_list_free(&list);
    json_object_object_add(answer, "mounts", mounts);
    if (invocation->json) {
        table_free(&table);
        return print_json(answer);
    }
    json_object_put(answer);
    table_print(&table);
    return EXIT_SUCCESS;
}
