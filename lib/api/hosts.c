// SPDX-License-Identifier: BSD-2-Clause
/* The hosts that mount a store, as a JSON array of objects, and back. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "lib/api/shmap_hosts.h"

/* The texts of a host. */
static const struct {
    const char *name;
    size_t offset, size;
} HOST_TEXTS[] = {
    { "host", offsetof(struct shmap_host, host), sizeof(((struct shmap_host *)0)->host) },
    { "version", offsetof(struct shmap_host, version), sizeof(((struct shmap_host *)0)->version) },
    { "mountpoint", offsetof(struct shmap_host, mountpoint),
      sizeof(((struct shmap_host *)0)->mountpoint) },
    { "options", offsetof(struct shmap_host, options), sizeof(((struct shmap_host *)0)->options) },
};
#define HOST_TEXT_COUNT (sizeof(HOST_TEXTS) / sizeof(HOST_TEXTS[0]))

/* Takes over `value`, also when it fails. */
static bool add_to_host(struct json_object *object, const char *name, struct json_object *value)
{
    if (value && json_object_object_add(object, name, value) == 0)
        return true;
    json_object_put(value);
    return false;
}

static struct json_object *host_to_object(const struct shmap_host *host)
{
    struct json_object *object = json_object_new_object();
    bool whole = object != NULL;

    for (size_t i = 0; whole && i < HOST_TEXT_COUNT; i++) {
        const char *text = (const char *)host + HOST_TEXTS[i].offset;
        int length = (int)strnlen(text, HOST_TEXTS[i].size);

        whole = add_to_host(object, HOST_TEXTS[i].name, json_object_new_string_len(text, length));
    }
    whole = whole && add_to_host(object, "since", json_object_new_uint64(host->since)) &&
            add_to_host(object, "here", json_object_new_boolean(host->here));
    if (whole)
        return object;
    json_object_put(object);
    return NULL;
}

char *shmap_hosts_to_json(const struct shmap_host *hosts, size_t count)
{
    struct json_object *array = json_object_new_array();
    const char *text = NULL;
    bool whole = array != NULL;
    char *json;

    for (size_t i = 0; whole && i < count; i++) {
        struct json_object *host = host_to_object(&hosts[i]);

        whole = host && json_object_array_add(array, host) == 0;
        if (!whole)
            json_object_put(host);
    }
    if (whole)
        text = json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN |
                                                         JSON_C_TO_STRING_NOSLASHESCAPE);
    json = text ? strdup(text) : NULL;
    json_object_put(array);
    return json;
}

static bool take_host_text(struct json_object *object, size_t index, struct shmap_host *host)
{
    char *field = (char *)host + HOST_TEXTS[index].offset;
    struct json_object *value;
    const char *text;

    if (!json_object_object_get_ex(object, HOST_TEXTS[index].name, &value) ||
        !json_object_is_type(value, json_type_string))
        return false;
    text = json_object_get_string(value);
    // One with a NUL in it is cut there, and has another length.
    return strlen(text) == (size_t)json_object_get_string_len(value) &&
           strlcpy(field, text, HOST_TEXTS[index].size) < HOST_TEXTS[index].size;
}

static bool take_host(struct json_object *object, struct shmap_host *host)
{
    struct json_object *since, *here;

    for (size_t i = 0; i < HOST_TEXT_COUNT; i++) {
        if (!take_host_text(object, i, host))
            return false;
    }
    if (!json_object_object_get_ex(object, "since", &since) ||
        !json_object_is_type(since, json_type_int) ||
        !json_object_object_get_ex(object, "here", &here) ||
        !json_object_is_type(here, json_type_boolean))
        return false;
    host->since = json_object_get_uint64(since);
    host->here = json_object_get_boolean(here);
    return true;
}

int shmap_hosts_from_json(const char *json, struct shmap_host **hosts, size_t *count)
{
    struct json_object *array = json_tokener_parse(json);
    size_t length =
        json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
    int error = json_object_is_type(array, json_type_array) ? 0 : -EPROTO;

    *count = 0;
    *hosts = error ? NULL : calloc(length + 1, sizeof(**hosts));
    if (!error && !*hosts)
        error = -ENOMEM;
    for (; !error && *count < length; *count += !error) {
        struct json_object *object = json_object_array_get_idx(array, *count);

        if (!json_object_is_type(object, json_type_object) || !take_host(object, *hosts + *count))
            error = -EPROTO;
    }
    json_object_put(array);
    if (error) {
        free(*hosts);
        *hosts = NULL;
        *count = 0;
    }
    return error;
}
