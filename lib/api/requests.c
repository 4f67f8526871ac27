// SPDX-License-Identifier: BSD-2-Clause
/* How many requests a mount has served, as a JSON object: {"pid":1,"requests":{"LOOKUP":7}}. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap.h"

static int add_number(struct json_object *object, const char *name, uint64_t number)
{
    struct json_object *value = json_object_new_uint64(number);

    if (value && json_object_object_add(object, name, value) == 0)
        return 0;
    json_object_put(value);
    return -ENOMEM;
}

char *shmap_requests_to_json(const struct shmap_requests *requests)
{
    struct json_object *object = json_object_new_object(), *kinds = json_object_new_object();
    bool failed = !object || !kinds || add_number(object, "pid", requests->pid) != 0;
    const char *text = NULL;
    char *copy = NULL;

    for (size_t i = 0; !failed && i < requests->count; i++)
        failed = add_number(kinds, requests->all[i].name, requests->all[i].served) != 0;
    if (!failed && json_object_object_add(object, "requests", kinds) == 0) {
        kinds = NULL;
        text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
    }
    if (text)
        copy = strdup(text);
    json_object_put(kinds);
    json_object_put(object);
    return copy;
}

/* Takes a kind over, if its name has room. Returns 0 or -EPROTO. */
static int take_kind(struct shmap_requests *requests, const char *name, struct json_object *value)
{
    struct shmap_request_count *count = &requests->all[requests->count];

    if (!json_object_is_type(value, json_type_int))
        return -EPROTO;
    if (requests->count == SHMAP_REQUEST_KINDS || strlen(name) >= sizeof(count->name))
        return 0;
    strlcpy(count->name, name, sizeof(count->name));
    count->served = json_object_get_uint64(value);
    requests->count++;
    return 0;
}

static int take_kinds(struct shmap_requests *requests, struct json_object *kinds)
{
    struct json_object_iterator at = json_object_iter_begin(kinds);
    struct json_object_iterator end = json_object_iter_end(kinds);
    int error = 0;

    for (; !error && !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
        error =
            take_kind(requests, json_object_iter_peek_name(&at), json_object_iter_peek_value(&at));
    return error;
}

int shmap_requests_from_json(const char *json, struct shmap_requests *requests)
{
    struct json_object *object = json_tokener_parse(json), *pid, *kinds;
    int error = -EPROTO;

    *requests = (struct shmap_requests){ 0 };
    if (json_object_is_type(object, json_type_object) &&
        json_object_object_get_ex(object, "pid", &pid) && json_object_is_type(pid, json_type_int) &&
        json_object_object_get_ex(object, "requests", &kinds) &&
        json_object_is_type(kinds, json_type_object)) {
        requests->pid = json_object_get_uint64(pid);
        error = take_kinds(requests, kinds);
    }
    json_object_put(object);
    return error;
}
