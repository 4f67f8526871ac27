// SPDX-License-Identifier: BSD-2-Clause
/*
 * The state of a mount as JSON, there and back. One table for each struct maps members to fields.
 *
 * The text comes from a filesystem that anybody may have mounted: every member is checked for its
 * type and its length before it gets into a field. Paths are bytes, as in the filesystem: where
 * they are not UTF-8, the JSON is not, either.
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"

#define DEPTH_MAX 8 // of objects in objects; ours are 2 deep

enum member_kind { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_FLAG };

struct member {
    enum member_kind kind;
    const char *name;
    size_t offset;
    size_t size; // of the field
    bool later;  // earlier versions do not have it: it is empty or 0
};

#define FIELD(type, field)                                  \
    .name = #field, .offset = offsetof(struct type, field), \
    .size = sizeof(((struct type *)0)->field)
#define MEMBER_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct member STATUS_MEMBERS[] = {
    { MEMBER_TEXT, FIELD(shmap_status, version) },
    { MEMBER_NUMBER, FIELD(shmap_status, pid) },
    { MEMBER_NUMBER, FIELD(shmap_status, keeper) },
    { MEMBER_NUMBER, FIELD(shmap_status, restarts) },
    { MEMBER_NUMBER, FIELD(shmap_status, upgrades) },
    { MEMBER_TEXT, FIELD(shmap_status, last_reason) },
    { MEMBER_NUMBER, FIELD(shmap_status, last_stall_us) },
    { MEMBER_TEXT, FIELD(shmap_status, survival) },
    { MEMBER_TEXT, FIELD(shmap_status, upgrade_error) },
    { MEMBER_TEXT, FIELD(shmap_status, mountpoint) },
    { MEMBER_TEXT, FIELD(shmap_status, store) },
    { MEMBER_NUMBER, FIELD(shmap_status, store_silent_since), .later = true },
    { MEMBER_TEXT, FIELD(shmap_status, store_error), .later = true },
    { MEMBER_TEXT, FIELD(shmap_status, scratch), .later = true },
    { MEMBER_TEXT, FIELD(shmap_status, options), .later = true },
    { MEMBER_FLAG, FIELD(shmap_status, shared), .later = true },
    { MEMBER_NUMBER, FIELD(shmap_status, hosts), .later = true },
    { MEMBER_TEXT, FIELD(shmap_status, mappings), .later = true },
    { MEMBER_TEXT, FIELD(shmap_status, huge) },
    { MEMBER_TEXT, FIELD(shmap_status, transport) },
    { MEMBER_FLAG, FIELD(shmap_status, writeback) },
    { MEMBER_NUMBER, FIELD(shmap_status, nodes) },
    { MEMBER_NUMBER, FIELD(shmap_status, open_files) },
    { MEMBER_NUMBER, FIELD(shmap_status, descriptors) },
    { MEMBER_NUMBER, FIELD(shmap_status, descriptors_max) },
    { MEMBER_NUMBER, FIELD(shmap_status, lock_owners), .later = true },
    { MEMBER_NUMBER, FIELD(shmap_status, lock_waiters), .later = true },
    { MEMBER_NUMBER, FIELD(shmap_status, journal_size), .later = true },
    { MEMBER_NUMBER, FIELD(shmap_status, journal_used), .later = true },
    { MEMBER_NUMBER, FIELD(shmap_status, journal_uncommitted), .later = true },
    { MEMBER_NUMBER, FIELD(shmap_status, journal_unapplied), .later = true },
    { MEMBER_NUMBER, FIELD(shmap_status, journal_commits), .later = true },
    { MEMBER_NUMBER, FIELD(shmap_status, journal_last_commit), .later = true },
    { MEMBER_TEXT, FIELD(shmap_status, journal_error), .later = true },
    { MEMBER_TEXT, FIELD(shmap_status, journal_waits), .later = true },
};

static const struct member AREA_MEMBERS[] = {
    { MEMBER_NUMBER, FIELD(shmap_area_status, size) },
    { MEMBER_NUMBER, FIELD(shmap_area_status, used) },
    { MEMBER_NUMBER, FIELD(shmap_area_status, inodes) },
    { MEMBER_NUMBER, FIELD(shmap_area_status, inodes_used) },
    { MEMBER_FLAG, FIELD(shmap_area_status, passthrough) },
    { MEMBER_FLAG, FIELD(shmap_area_status, brokered), .later = true },
    { MEMBER_TEXT, FIELD(shmap_area_status, filesystem) },
    { MEMBER_TEXT, FIELD(shmap_area_status, reason) },
    { MEMBER_TEXT, FIELD(shmap_area_status, lacks), .later = true },
};

static const struct member OWN_AREA_MEMBERS[] = {
    { MEMBER_TEXT, FIELD(shmap_own_area, directory) },
    { MEMBER_TEXT, FIELD(shmap_own_area, words) },
    { MEMBER_TEXT, FIELD(shmap_own_area, huge) },
    { MEMBER_NUMBER, FIELD(shmap_own_area, size) },
    { MEMBER_NUMBER, FIELD(shmap_own_area, used) },
    { MEMBER_NUMBER, FIELD(shmap_own_area, inodes) },
    { MEMBER_NUMBER, FIELD(shmap_own_area, inodes_used) },
};

/* The kernel hands on no longer attribute than 64 KiB. */
#define AREAS_JSON_MAX 65000

static const struct {
    const char *name;
    size_t offset;
} AREA_FIELDS[] = {
    { "store_area", offsetof(struct shmap_status, store_area) },
    { "ram_area", offsetof(struct shmap_status, ram_area) },
};

static struct json_object *value_to_json(const struct member *member, const void *field)
{
    switch (member->kind) {
    case MEMBER_TEXT:
        return json_object_new_string_len(field, (int)strnlen(field, member->size));
    case MEMBER_NUMBER:
        return json_object_new_uint64(*(const uint64_t *)field);
    case MEMBER_FLAG:
        return json_object_new_boolean(*(const bool *)field);
    }
    return NULL;
}

/* Takes over `value`, also when it fails. */
static int add_value(struct json_object *object, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(object, name, value) == 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

static int add_members(struct json_object *object, const void *base, const struct member *members,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *field = (const char *)base + members[i].offset;
        int error = add_value(object, members[i].name, value_to_json(&members[i], field));

        if (error)
            return error;
    }
    return 0;
}

/* Adds an area; one that the mount does not have is null. */
static int add_area(struct json_object *object, const char *name,
                    const struct shmap_area_status *area)
{
    struct json_object *value;

    if (!area->present)
        return json_object_object_add(object, name, NULL) == 0 ? 0 : -ENOMEM;
    value = json_object_new_object();
    if (value && add_members(value, area, AREA_MEMBERS, MEMBER_COUNT(AREA_MEMBERS)) != 0) {
        json_object_put(value);
        value = NULL;
    }
    return add_value(object, name, value);
}

static const char *text_of(struct json_object *object)
{
    return json_object_to_json_string_ext(object,
                                          JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

char *shmap_status_to_json(const struct shmap_status *status)
{
    struct json_object *object = json_object_new_object();
    const char *text = NULL;
    char *json;
    int error;

    if (!object)
        return NULL;
    error = add_members(object, status, STATUS_MEMBERS, MEMBER_COUNT(STATUS_MEMBERS));
    for (size_t i = 0; i < MEMBER_COUNT(AREA_FIELDS) && !error; i++) {
        const void *area = (const char *)status + AREA_FIELDS[i].offset;

        error = add_area(object, AREA_FIELDS[i].name, area);
    }
    if (!error)
        text = text_of(object);
    json = text ? strdup(text) : NULL;
    json_object_put(object);
    return json;
}

static int take_text(struct json_object *value, char *field, size_t size)
{
    const char *text;
    size_t length;

    if (!json_object_is_type(value, json_type_string))
        return -EPROTO;
    text = json_object_get_string(value);
    length = (size_t)json_object_get_string_len(value);
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

static int take_member(struct json_object *value, const struct member *member, void *field)
{
    switch (member->kind) {
    case MEMBER_TEXT:
        return take_text(value, field, member->size);
    case MEMBER_NUMBER:
        return take_number(value, field);
    case MEMBER_FLAG:
        return take_flag(value, field);
    }
    return -EPROTO;
}

static int take_members(struct json_object *object, void *base, const struct member *members,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct json_object *value;
        int error;

        if (!json_object_object_get_ex(object, members[i].name, &value) && members[i].later)
            continue;
        error = take_member(value, &members[i], (char *)base + members[i].offset);
        if (error)
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
    return take_members(value, area, AREA_MEMBERS, MEMBER_COUNT(AREA_MEMBERS));
}

/* Reads a text that is one object, or array, and nothing else; NULL: it is not. JSON_TOKENER_STRICT
 * would see to that, but with json-c 0.18 refuses every byte beyond ASCII. */
static struct json_object *parse_whole(const char *json, enum json_type type)
{
    struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    struct json_object *object;
    size_t length = strlen(json);
    size_t end;

    if (!tokener)
        return NULL;
    // Without the length it takes the NUL for a part of a comment that has no end.
    object = length <= INT_MAX ? json_tokener_parse_ex(tokener, json, (int)length) : NULL;
    end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (json_object_is_type(object, type) && end == length)
        return object;
    json_object_put(object);
    return NULL;
}

int shmap_status_from_json(const char *json, struct shmap_status *status)
{
    struct json_object *object = parse_whole(json, json_type_object);
    int error;

    if (!object)
        return -EPROTO;
    *status = (struct shmap_status){ 0 };
    error = take_members(object, status, STATUS_MEMBERS, MEMBER_COUNT(STATUS_MEMBERS));
    for (size_t i = 0; i < MEMBER_COUNT(AREA_FIELDS) && !error; i++) {
        void *area = (char *)status + AREA_FIELDS[i].offset;

        error = take_area(object, AREA_FIELDS[i].name, area);
    }
    json_object_put(object);
    return error;
}

/* Adds an area to an array whose text has `*length` bytes, if there is room for it. Returns 0 or
 * -ENOMEM. */
static int add_own_area(struct json_object *array, const struct shmap_own_area *area,
                        size_t *length)
{
    struct json_object *value = json_object_new_object();
    const char *text = NULL;

    if (value && add_members(value, area, OWN_AREA_MEMBERS, MEMBER_COUNT(OWN_AREA_MEMBERS)) == 0)
        text = text_of(value);
    if (text && *length + strlen(text) + 1 <= AREAS_JSON_MAX) {
        *length += strlen(text) + 1;
        if (json_object_array_add(array, value) == 0)
            return 0;
        text = NULL;
    }
    json_object_put(value);
    return text ? 0 : -ENOMEM;
}

char *shmap_areas_to_json(const struct shmap_own_area *areas, size_t count)
{
    struct json_object *array = json_object_new_array();
    size_t length = strlen("[]");
    const char *text;
    char *json;
    int error = array ? 0 : -ENOMEM;

    for (size_t i = 0; i < count && !error; i++)
        error = add_own_area(array, &areas[i], &length);
    text = error ? NULL : text_of(array);
    json = text ? strdup(text) : NULL;
    json_object_put(array);
    return json;
}

int shmap_areas_from_json(const char *json, struct shmap_own_area **areas, size_t *count)
{
    struct json_object *array = parse_whole(json, json_type_array);
    int error = 0;

    *areas = NULL;
    *count = 0;
    if (!array)
        return -EPROTO;
    *areas = calloc(json_object_array_length(array) + 1, sizeof(**areas));
    if (!*areas)
        error = -ENOMEM;
    while (!error && *count < json_object_array_length(array)) {
        struct json_object *value = json_object_array_get_idx(array, *count);

        error = json_object_is_type(value, json_type_object)
                    ? take_members(value, *areas + *count, OWN_AREA_MEMBERS,
                                   MEMBER_COUNT(OWN_AREA_MEMBERS))
                    : -EPROTO;
        *count += !error;
    }
    json_object_put(array);
    if (error) {
        free(*areas);
        *areas = NULL;
        *count = 0;
    }
    return error;
}
