// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/commands/json_output.h"

#include <stdio.h>

void assert_done_or_incomplete(const struct program_result *result)
{
    const char *end = strchr(result->err, '\n');

    if (result->status == 0 && result->err[0] == '\0')
        return;
    if (result->status != 0 || end == NULL || end[1] != '\0' ||
        strstr(result->err, "could not be inspected") == NULL)
        fail_msg("status %d, standard error: %s", result->status, result->err);
}

struct json_object *json_output_of(const struct program_result *result)
{
    const char *end = strchr(result->out, '\n');

    assert_done_or_incomplete(result);
    assert_non_null(end);
    assert_int_equal(end[1], '\0');
    struct json_object *object = json_tokener_parse(result->out);
    if (!json_object_is_type(object, json_type_object))
        fail_msg("not an object: %s", result->out);
    return object;
}

struct json_object *json_member(struct json_object *object, const char *name)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, name, &value))
        fail_msg("no member %s in %s", name, json_object_to_json_string(object));
    return value;
}

int64_t json_number(struct json_object *object, const char *name)
{
    struct json_object *value = json_member(object, name);

    if (!json_object_is_type(value, json_type_int))
        fail_msg("%s is no number in %s", name, json_object_to_json_string(object));
    return json_object_get_int64(value);
}

const char *json_text(struct json_object *object, const char *name)
{
    struct json_object *value = json_member(object, name);

    if (!json_object_is_type(value, json_type_string))
        fail_msg("%s is no text in %s", name, json_object_to_json_string(object));
    return json_object_get_string(value);
}

static struct json_object *find_element(struct json_object *array, const char *name,
                                        const char *wanted)
{
    struct json_object *value;

    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct json_object *element = json_object_array_get_idx(array, i);
        if (json_object_object_get_ex(element, name, &value) &&
            strcmp(json_object_get_string(value), wanted) == 0)
            return element;
    }
    return NULL;
}

struct json_object *json_find(struct json_object *array, const char *name, const char *text)
{
    return find_element(array, name, text);
}

struct json_object *json_find_number(struct json_object *array, const char *name, int64_t number)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)number);
    return find_element(array, name, text);
}
