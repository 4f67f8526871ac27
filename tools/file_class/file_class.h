// SPDX-License-Identifier: BSD-2-Clause
/* A single file that gets another class when nobody uses it any more. */
#ifndef SHMAPCTL_FILE_CLASS_H
#define SHMAPCTL_FILE_CLASS_H

#include <json-c/json.h>

/* Returns a phrase that says which class a file is to get, and who uses it, for free(); NULL: it
 * stays what it is. */
char *file_class_pending(const char *path);

/* Adds the same to an object. */
void file_class_add_pending(const char *path, struct json_object *object);

#endif
