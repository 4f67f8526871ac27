// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl who: the processes that have a file open or mapped. */
#include <err.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/cmd/command.h"
#include "tools/scan/target.h"
#include "tools/scan/users.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

static const char *const KINDS[] = {
    [USE_OPEN] = "open", [USE_MAPPED] = "mapped", [USE_EXECUTING] = "executing",
    [USE_CWD] = "cwd",   [USE_ROOT] = "root",
};

/* Returns a user's name, or the number where no such user is known here. For free(). */
static char *user_name(uid_t uid)
{
    const struct passwd *known = getpwuid(uid);
    char *name = NULL;

    if (known)
        name = strdup(known->pw_name);
    else if (asprintf(&name, "%u", uid) < 0)
        name = NULL;
    if (!name)
        err(EXIT_FAILURE, NULL);
    return name;
}

static const char *sharing_word(const struct file_use *use)
{
    return use->shared ? "shared" : "private";
}

static void add_use_cells(struct table *table, const struct file_use *use)
{
    const char *kind = KINDS[use->kind];

    if (use->kind == USE_OPEN)
        table_add(table, "%s fd %d %s", kind, use->fd, use->access);
    else if (use->kind == USE_MAPPED)
        table_add(table, "%s %s %s", kind, sharing_word(use), use->access);
    else
        table_add(table, "%s", kind);
    if (use->kind == USE_MAPPED)
        table_add(table, "%" PRIu64 "-%" PRIu64, use->offset, use->offset + use->length - 1);
    else
        table_add(table, "-");
}

static void add_user_rows(struct table *table, const struct user *user)
{
    char *name = user_name(user->uid);

    for (size_t i = 0; i < user->count; i++) {
        table_add(table, "%d", user->pid);
        table_add(table, "%s", name);
        table_add(table, "%s", user->command);
        add_use_cells(table, &user->uses[i]);
    }
    free(name);
}

static int show_users(const struct users *users)
{
    static const struct column columns[] = { { "PID", true },
                                             { "USER", false },
                                             { "COMMAND", false },
                                             { "HOW", false },
                                             { "RANGE", false } };
    struct table table;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < users->count; i++)
        add_user_rows(&table, &users->all[i]);
    table_print(&table);
    return EXIT_SUCCESS;
}

static struct json_object *use_to_json(const struct file_use *use)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "how", json_object_new_string(KINDS[use->kind]));
    if (use->kind == USE_OPEN)
        json_object_object_add(object, "fd", json_object_new_int(use->fd));
    if (use->kind == USE_MAPPED)
        json_object_object_add(object, "sharing", json_object_new_string(sharing_word(use)));
    if (use->kind == USE_OPEN || use->kind == USE_MAPPED)
        json_object_object_add(object, "access", json_object_new_string(use->access));
    if (use->kind == USE_MAPPED) {
        json_object_object_add(object, "offset", json_object_new_uint64(use->offset));
        json_object_object_add(object, "length", json_object_new_uint64(use->length));
    }
    return object;
}

static struct json_object *user_to_json(const struct user *user)
{
    struct json_object *object = json_object_new_object();
    struct json_object *uses = json_object_new_array();
    char *name = user_name(user->uid);

    for (size_t i = 0; i < user->count; i++)
        json_object_array_add(uses, use_to_json(&user->uses[i]));
    json_object_object_add(object, "pid", json_object_new_int(user->pid));
    json_object_object_add(object, "uid", json_object_new_int64(user->uid));
    json_object_object_add(object, "user", json_object_new_string(name));
    json_object_object_add(object, "command", json_object_new_string(user->command));
    json_object_object_add(object, "uses", uses);
    free(name);
    return object;
}

static int show_users_json(const char *path, const struct users *users)
{
    struct json_object *answer = json_object_new_object();
    struct json_object *processes = json_object_new_array();

    for (size_t i = 0; i < users->count; i++)
        json_object_array_add(processes, user_to_json(&users->all[i]));
    json_object_object_add(answer, "path", json_object_new_string(path));
    json_object_object_add(answer, "processes", processes);
    json_object_object_add(answer, "unseen", json_object_new_uint64(users->unseen));
    return print_json(answer);
}

int cmd_who(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    struct scan_target target;
    struct users users;
    int error, status;

    if (scan_target_find(path, &target) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    error = users_find(target.stat.st_dev, target.stat.st_ino, &users);
    if (error)
        return fail("/proc", "%s", strerror(-error));
    status = invocation->json ? show_users_json(path, &users) : show_users(&users);
    users_report_unseen(&users);
    users_free(&users);
    return status;
}
