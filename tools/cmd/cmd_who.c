// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl who: the processes that use a file, and all that keeps a mount in use. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/cleanup.h"
#include "tools/cmd/command.h"
#include "tools/scan/holders.h"
#include "tools/scan/process.h"
#include "tools/scan/target.h"
#include "tools/scan/users.h"
#include "tools/ui/output.h"
#include "tools/ui/table.h"

static const char *const KINDS[] = {
    [USE_OPEN] = "open", [USE_MAPPED] = "mapped", [USE_EXECUTING] = "executing",
    [USE_CWD] = "cwd",   [USE_ROOT] = "root",
};

static const char *const HOLDERS[] = {
    [HOLDER_BIND] = "mounted again",
    [HOLDER_BELOW] = "mounted on it",
    [HOLDER_NAMESPACE] = "in its mount namespace",
};

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
    char *name = process_user_name(user->uid);

    for (size_t i = 0; i < user->count; i++) {
        table_add(table, "%d", user->pid);
        table_add(table, "%s", name);
        table_add(table, "%s", user->command);
        add_use_cells(table, &user->uses[i]);
        table_add(table, "%s", user->uses[i].path);
    }
    free(name);
}

static void add_holder_row(struct table *table, const struct listed_mount *mount,
                           enum holder_kind kind)
{
    CLEANUP_FD int process = process_open(mount->pid);

    // It may have ended; the caller's own mounts have none.
    if (process >= 0) {
        CLEANUP_FREE char *name = process_user_name(process_read_info(process).uid);
        CLEANUP_FREE char *command = process_command(process);

        table_add(table, "%d", mount->pid);
        table_add(table, "%s", name);
        table_add(table, "%s", command);
    } else {
        for (int i = 0; i < 3; i++)
            table_add(table, "-");
    }
    table_add(table, kind == HOLDER_BELOW ? "%s (%s)" : "%s", HOLDERS[kind], mount->type);
    table_add(table, "-");
    table_add(table, "%s", mount->directory);
}

static int show_users(const struct users *users, const struct mount_list *mounts,
                      const struct listed_mount *whole)
{
    static const struct column columns[] = { { "PID", true },      { "USER", false },
                                             { "COMMAND", false }, { "HOW", false },
                                             { "RANGE", false },   { "PATH", false } };
    const struct listed_mount *mount = NULL;
    enum holder_kind kind;
    struct table table;

    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < users->count; i++)
        add_user_rows(&table, &users->all[i]);
    while (whole && (mount = holders_next(mounts, whole, mount, &kind)))
        add_holder_row(&table, mount, kind);
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
    json_object_object_add(object, "path", json_object_new_string(use->path));
    return object;
}

static struct json_object *user_to_json(const struct user *user)
{
    struct json_object *object = json_object_new_object();
    struct json_object *uses = json_object_new_array();
    char *name = process_user_name(user->uid);

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

static struct json_object *holder_to_json(const struct listed_mount *mount, enum holder_kind kind)
{
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "how", json_object_new_string(HOLDERS[kind]));
    json_object_object_add(object, "mountpoint", json_object_new_string(mount->directory));
    json_object_object_add(object, "root", json_object_new_string(mount->root));
    json_object_object_add(object, "type", json_object_new_string(mount->type));
    json_object_object_add(object, "pid", mount->pid ? json_object_new_int(mount->pid) : NULL);
    return object;
}

static int show_users_json(const char *path, const struct users *users,
                           const struct mount_list *list, const struct listed_mount *whole)
{
    struct json_object *answer = json_object_new_object();
    struct json_object *processes = json_object_new_array();
    struct json_object *mounts = json_object_new_array();
    const struct listed_mount *mount = NULL;
    enum holder_kind kind;

    for (size_t i = 0; i < users->count; i++)
        json_object_array_add(processes, user_to_json(&users->all[i]));
    while (whole && (mount = holders_next(list, whole, mount, &kind)))
        json_object_array_add(mounts, holder_to_json(mount, kind));
    json_object_object_add(answer, "path", json_object_new_string(path));
    json_object_object_add(answer, "processes", processes);
    json_object_object_add(answer, "mounts", mounts);
    json_object_object_add(answer, "unseen", json_object_new_uint64(users->unseen));
    return print_json(answer);
}

/* Shows who uses a file, or, where `whole` is given, anything of that mount. */
static int report_users(const struct invocation *invocation, dev_t device, uint64_t inode,
                        const struct listed_mount *whole)
{
    const char *path = invocation->arguments[0];
    struct mount_list mounts = { 0 };
    struct users users;
    int error = users_find(device, inode, &users);
    int status;

    if (error)
        return fail("/proc", "%s", strerror(-error));
    if (whole)
        mount_list_find(device, &mounts);
    status = invocation->json ? show_users_json(path, &users, &mounts, whole)
                              : show_users(&users, &mounts, whole);
    users_report_unseen(&users);
    mount_list_free(&mounts);
    users_free(&users);
    return status;
}

int cmd_who(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    const struct listed_mount *whole;
    struct scan_target target;
    struct mount_list list;
    int status = EXIT_FAILURE;

    mount_list_find_around(path, &list);
    whole = mount_list_rooted(&list, path);
    if (whole)
        status = report_users(invocation, whole->device, USERS_OF_ALL, whole);
    else if (scan_target_find(path, &target) == EXIT_SUCCESS)
        status = report_users(invocation, target.stat.st_dev, target.stat.st_ino, NULL);
    mount_list_free(&list);
    return status;
}
