// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl who: the processes that have a file open or mapped. */
#include "tools/cmd/command.h"
#include "tools/ui/output.h"

#include "tools/ui/table.h"
#include "tools/scan/target.h"
#include "tools/scan/users.h"

#include <err.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {
    [USE_OPEN] = "open", [USE_MAPPED] = "mapped", [USE_EXECUTING] = "executing",
    [USE_CWD] = "cwd",   [USE_ROOT] = "root",
};

/* A number where it belongs to nobody that is known here. For free(). */
static char *name_of(uid_t uid)
{
    const struct passwd *known = getpwuid(uid);
    char *name = NULL;
    if (known != NULL)
        name = strdup(known->pw_name);
    else if (asprintf(&name, "%u", uid) < 0)
        name = NULL;
    if (name == NULL)
        err(EXIT_FAILURE, NULL);
    return name;
}

static const char *sharing(const struct use *use)
{
    return use->shared ? "shared" : "private";
}

static void add_use(struct table *table, const struct use *use)
{
    const char *kind = kinds[use->kind];
    if (use->kind == USE_OPEN)
        table_add(table, "%s fd %d %s", kind, use->fd, use->access);
    else if (use->kind == USE_MAPPED)
        table_add(table, "%s %s %s", kind, sharing(use), use->access);
    else
        table_add(table, "%s", kind);
    if (use->kind == USE_MAPPED)
        table_add(table, "%" PRIu64 "-%" PRIu64, use->offset, use->offset + use->length - 1);
    else
        table_add(table, "-");
}

static int show(const struct users *users)
{
    static const struct column columns[] = { { "PID", true },
                                             { "USER", false },
                                             { "COMMAND", false },
                                             { "HOW", false },
                                             { "RANGE", false } };
    struct table table;
    table_begin(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < users->count; i++) {
        const struct user *user = &users->all[i];
        char *name = name_of(user->uid);
        for (size_t j = 0; j < user->count; j++) {
            table_add(&table, "%d", user->pid);
            table_add(&table, "%s", name);
            table_add(&table, "%s", user->command);
            add_use(&table, &user->uses[j]);
        }
        free(name);
    }
    table_end(&table);
    return EXIT_SUCCESS;
}

static struct json_object *use_to_json(const struct use *use)
{
    struct json_object *object = json_object_new_object();
    json_object_object_add(object, "how", json_object_new_string(kinds[use->kind]));
    if (use->kind == USE_OPEN)
        json_object_object_add(object, "fd", json_object_new_int(use->fd));
    if (use->kind == USE_MAPPED)
        json_object_object_add(object, "sharing", json_object_new_string(sharing(use)));
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
    char *name = name_of(user->uid);
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

static int show_json(const char *path, const struct users *users)
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
    struct target target;
    struct users users;
    if (target_find(path, &target) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    int error = users_find(target.stat.st_dev, target.stat.st_ino, &users);
    if (error != 0)
        return fail("/proc", "%s", strerror(-error));
    int status = invocation->json ? show_json(path, &users) : show(&users);
    users_tell_unseen(&users);
    users_free(&users);
    return status;
}
