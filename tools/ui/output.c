// SPDX-License-Identifier: BSD-2-Clause
#include "tools/ui/output.h"

#include <err.h>
#include <langinfo.h>
#include <libutil.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/sys/escape.h"

int fail(const char *path, const char *format, ...)
{
    char *name = printable(path);
    char *what = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&what, format, arguments);
    va_end(arguments);
    if (length < 0)
        err(EXIT_FAILURE, NULL);
    warnx("%s: %s", name, what);
    free(name);
    free(what);
    return EXIT_FAILURE;
}

int print_json(struct json_object *object)
{
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE);

    if (!text)
        err(EXIT_FAILURE, NULL);
    puts(text);
    json_object_put(object);
    return EXIT_SUCCESS;
}

struct json_object *status_object(const struct shmap_status *status)
{
    char *text = shmap_status_to_json(status);
    struct json_object *object = text ? json_tokener_parse(text) : NULL;

    if (!object)
        err(EXIT_FAILURE, NULL);
    free(text);
    return object;
}

char *printable(const char *text)
{
    size_t room = ESCAPE_GROWTH * strlen(text) + 1;
    char *visible = malloc(room);

    if (!visible)
        err(EXIT_FAILURE, NULL);
    // In another character set the bytes of UTF-8 could be control characters.
    escape_text(text, strcmp(nl_langinfo(CODESET), "UTF-8") == 0, visible, room);
    return visible;
}

struct amount humanize(uint64_t bytes)
{
    struct amount amount;
    int64_t shown = bytes > INT64_MAX ? INT64_MAX : (int64_t)bytes;

    humanize_number(amount.text, sizeof(amount.text), shown, "", HN_AUTOSCALE,
                    HN_B | HN_DECIMAL | HN_NOSPACE);
    return amount;
}

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
