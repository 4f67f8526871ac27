// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state of a mount as JSON, there and back. One table for each struct says which member is
 * which field.
 *
 * The text comes from a filesystem that anybody may have mounted: every member is checked for its
 * type and its length before it gets into a field. Paths are bytes, as in the filesystem: where
 * they are not UTF-8, the JSON is not, either.
 */
#include "lib/api/shmap.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 8 /* of objects in objects; ours are 2 deep */

enum kind { TEXT, NUMBER, FLAG };

struct member {
    const char *name;
    enum kind kind;
    size_t offset;
    size_t size; /* of the field */
};

#define MEMBER(type, field, kind)                                                     \
    {                                                                                 \
#field, kind, offsetof(struct type, field), sizeof(((struct type *)0)->field) \
    }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct member status_members[] = {
    MEMBER(shmap_status, version, TEXT),         MEMBER(shmap_status, pid, NUMBER),
    MEMBER(shmap_status, keeper, NUMBER),        MEMBER(shmap_status, restarts, NUMBER),
    MEMBER(shmap_status, upgrades, NUMBER),      MEMBER(shmap_status, last_reason, TEXT),
    MEMBER(shmap_status, last_stall_us, NUMBER), MEMBER(shmap_status, survival, TEXT),
    MEMBER(shmap_status, upgrade_error, TEXT),   MEMBER(shmap_status, mountpoint, TEXT),
    MEMBER(shmap_status, store, TEXT),           MEMBER(shmap_status, huge, TEXT),
    MEMBER(shmap_status, transport, TEXT),       MEMBER(shmap_status, writeback, FLAG),
    MEMBER(shmap_status, nodes, NUMBER),         MEMBER(shmap_status, open_files, NUMBER),
    MEMBER(shmap_status, descriptors, NUMBER),   MEMBER(shmap_status, descriptors_max, NUMBER),
};

static const struct member area_members[] = {
    MEMBER(shmap_area_status, size, NUMBER),      MEMBER(shmap_area_status, used, NUMBER),
    MEMBER(shmap_area_status, inodes, NUMBER),    MEMBER(shmap_area_status, inodes_used, NUMBER),
    MEMBER(shmap_area_status, passthrough, FLAG), MEMBER(shmap_area_status, filesystem, TEXT),
    MEMBER(shmap_area_status, reason, TEXT),
};

static const struct area {
    const char *name;
    size_t offset;
} areas[] = {
    { "store_area", offsetof(struct shmap_status, store_area) },
    { "ram_area", offsetof(struct shmap_status, ram_area) },
};

static struct json_object *value_to_json(const struct member *member, const void *field)
{
    switch (member->kind) {
    case TEXT:
        return json_object_new_string_len(field, (int)strnlen(field, member->size));
    case NUMBER:
        return json_object_new_uint64(*(const uint64_t *)field);
    case FLAG:
        return json_object_new_boolean(*(const bool *)field);
    }
    return NULL;
}

/* Takes over `value`, also when it fails. */
static int add(struct json_object *object, const char *name, struct json_object *value)
{
    if (value != NULL && json_object_object_add(object, name, value) == 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

static int add_members(struct json_object *object, const void *base, const struct member *members,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *field = (const char *)base + members[i].offset;
        int error = add(object, members[i].name, value_to_json(&members[i], field));
        if (error != 0)
            return error;
    }
    return 0;
}

/* An area that the mount does not have is null. */
static int add_area(struct json_object *object, const char *name,
                    const struct shmap_area_status *area)
{
    if (!area->present)
        return json_object_object_add(object, name, NULL) == 0 ? 0 : -ENOMEM;

    struct json_object *value = json_object_new_object();
    if (value != NULL && add_members(value, area, area_members, COUNT(area_members)) != 0) {
        json_object_put(value);
        value = NULL;
    }
    return add(object, name, value);
}

char *shmap_status_to_json(const struct shmap_status *status)
{
    struct json_object *object = json_object_new_object();
    if (object == NULL)
        return NULL;

    int error = add_members(object, status, status_members, COUNT(status_members));
    for (size_t i = 0; i < COUNT(areas) && error == 0; i++) {
        const void *area = (const char *)status + areas[i].offset;
        error = add_area(object, areas[i].name, area);
    }

    char *json = NULL;
    if (error == 0) {
        const char *text = json_object_to_json_string_ext(
            object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
        json = text == NULL ? NULL : strdup(text);
    }
    json_object_put(object);
    return json;
}

static int take_text(struct json_object *value, char *field, size_t size)
{
    if (!json_object_is_type(value, json_type_string))
        return -EPROTO;
    const char *text = json_object_get_string(value);
    size_t length = (size_t)json_object_get_string_len(value);
    if (length >= size || memchr(text, '\0', length) != NULL)
        return -EPROTO;
    memcpy(field, text, length);
    field[length] = '\0';
    return 0;
}

static int take_number(struct json_object *value, uint64_t *field)
{
    if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
        return -EPROTO;
    *field = json_object_get_uint64(value);
    return 0;
}

static int take_flag(struct json_object *value, bool *field)
{
    if (!json_object_is_type(value, json_type_boolean))
        return -EPROTO;
    *field = json_object_get_boolean(value);
    return 0;
}

static int take_members(struct json_object *object, void *base, const struct member *members,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct json_object *value = json_object_object_get(object, members[i].name);
        void *field = (char *)base + members[i].offset;
        int error = -EPROTO;
        switch (members[i].kind) {
        case TEXT:
            error = take_text(value, field, members[i].size);
            break;
        case NUMBER:
            error = take_number(value, field);
            break;
        case FLAG:
            error = take_flag(value, field);
            break;
        }
        if (error != 0)
            return error;
    }
    return 0;
}

static int take_area(struct json_object *object, const char *name, struct shmap_area_status *area)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, name, &value))
        return -EPROTO;
    area->present = value != NULL;
    if (!area->present)
        return 0;
    if (!json_object_is_type(value, json_type_object))
        return -EPROTO;
    return take_members(value, area, area_members, COUNT(area_members));
}

/* Not with JSON_TOKENER_STRICT: json-c 0.18 then refuses every byte beyond ASCII. That nothing
 * follows the object is looked at instead. */
static struct json_object *parse_object(const char *json)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    if (tokener == NULL)
        return NULL;
    struct json_object *object = json_tokener_parse_ex(tokener, json, -1); /* NULL: malformed */
    size_t end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (json_object_is_type(object, json_type_object) && json[end] == '\0')
        return object;
    json_object_put(object);
    return NULL;
}

int shmap_status_from_json(const char *json, struct shmap_status *status)
{
    struct json_object *object = parse_object(json);
    if (object == NULL)
        return -EPROTO;

    *status = (struct shmap_status){ 0 };
    int error = take_members(object, status, status_members, COUNT(status_members));
    for (size_t i = 0; i < COUNT(areas) && error == 0; i++) {
        void *area = (char *)status + areas[i].offset;
        error = take_area(object, areas[i].name, area);
    }
    json_object_put(object);
    return error;
}
