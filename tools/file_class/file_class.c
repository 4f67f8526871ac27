// SPDX-License-Identifier: BSD-2-Clause
#include "tools/file_class/file_class.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"
#include "tools/scan/users.h"
#include "tools/ui/output.h"

/* Finds the users of a file, none where they cannot be seen. */
static struct users find_users(const char *path)
{
    struct users users = { .count = 0 };
    struct stat st;

    if (stat(path, &st) != 0 || users_find(st.st_dev, st.st_ino, &users) != 0)
        return (struct users){ .count = 0 };
    return users;
}

char *file_class_pending(const char *path)
{
    enum shmap_class class;
    struct users users;
    char *text = NULL;
    size_t size;
    FILE *stream;

    if (shmap_next_class_get(path, &class) != 0 || !(stream = open_memstream(&text, &size)))
        return NULL;
    fprintf(stream, "%s when nobody uses it any more", shmap_class_name(class));
    users = find_users(path);
    for (size_t i = 0; i < users.count; i++) {
        CLEANUP_FREE char *command = printable(users.all[i].command);

        fprintf(stream, "%s%s (%d)", i == 0 ? ", as do now: " : ", ", command,
                (int)users.all[i].pid);
    }
    if (users.unseen > 0)
        fprintf(stream, "; %u processes cannot be inspected", users.unseen);
    users_free(&users);
    fclose(stream);
    return text;
}

void file_class_add_pending(const char *path, struct json_object *object)
{
    struct json_object *array;
    enum shmap_class class;
    struct users users;

    if (shmap_next_class_get(path, &class) != 0)
        return;
    json_object_object_add(object, "next_class", json_object_new_string(shmap_class_name(class)));
    users = find_users(path);
    array = json_object_new_array();
    for (size_t i = 0; i < users.count; i++) {
        struct json_object *user = json_object_new_object();

        json_object_object_add(user, "pid", json_object_new_int((int)users.all[i].pid));
        json_object_object_add(user, "command", json_object_new_string(users.all[i].command));
        json_object_array_add(array, user);
    }
    json_object_object_add(object, "users", array);
    users_free(&users);
}
