// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl map: where the pages of a file are, and who maps which of them. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/plain_file.h"
#include "tools/cmd/command.h"
#include "tools/map/page_map.h"
#include "tools/map/picture.h"
#include "tools/map/svg.h"
#include "tools/scan/process.h"
#include "tools/scan/users.h"
#include "tools/ui/exit_status.h"
#include "tools/ui/output.h"

enum { JSON_CELLS = 1024 };

/* Opens a regular file. Returns its descriptor, or -1 after a line. */
static int open_file(const char *path, struct statx *stx)
{
    struct stat st;
    CLEANUP_FD int fd = plain_file_open(path, 0, &st);
    int error = fd < 0 ? fd : 0;

    if (!error && statx(fd, "", AT_EMPTY_PATH, STATX_INO, stx) != 0)
        error = -errno;
    if (error == -EMEDIUMTYPE)
        fail(path, "only a regular file has a map of pages; name one");
    else if (error)
        fail(path, "%s", strerror(-error));
    return error ? -1 : steal_fd(&fd);
}

static void add_number(struct json_object *object, const char *name, bool known, uint64_t number)
{
    json_object_object_add(object, name, known ? json_object_new_uint64(number) : NULL);
}

static void add_numbers(struct json_object *object, const struct page_map *map,
                        const struct page_cell *cell)
{
    add_number(object, "pages", true, cell->pages);
    add_number(object, "hole", true, cell->hole);
    add_number(object, "resident", map->knows_resident, cell->resident);
    add_number(object, "dirty", map->knows_dirty, cell->dirty);
    add_number(object, "huge", map->knows_huge, cell->huge);
    add_number(object, "swapped", map->knows_swapped, cell->swapped);
}

static struct json_object *cells_to_json(const struct page_map *map)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < map->count; i++) {
        struct json_object *object = json_object_new_object();

        add_number(object, "offset", true, i * map->cell_pages * map->page);
        add_numbers(object, map, &map->cells[i]);
        json_object_array_add(array, object);
    }
    return array;
}

static struct json_object *mapping_to_json(const struct user *user, const struct file_use *use)
{
    CLEANUP_FREE char *name = process_user_name(user->uid);
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "pid", json_object_new_int(user->pid));
    json_object_object_add(object, "user", json_object_new_string(name));
    json_object_object_add(object, "command", json_object_new_string(user->command));
    json_object_object_add(object, "sharing",
                           json_object_new_string(use->shared ? "shared" : "private"));
    json_object_object_add(object, "access", json_object_new_string(use->access));
    add_number(object, "offset", true, use->offset);
    add_number(object, "length", true, use->length);
    return object;
}

static struct json_object *mappings_to_json(const struct users *users)
{
    struct json_object *array = json_object_new_array();

    for (size_t i = 0; i < users->count; i++) {
        for (size_t k = 0; k < users->all[i].count; k++) {
            if (users->all[i].uses[k].kind == USE_MAPPED)
                json_object_array_add(array,
                                      mapping_to_json(&users->all[i], &users->all[i].uses[k]));
        }
    }
    return array;
}

static int show_json(const char *path, const struct page_map *map, const struct users *users)
{
    struct json_object *answer = json_object_new_object(), *total = json_object_new_object();

    add_numbers(total, map, &map->total);
    json_object_object_add(answer, "path", json_object_new_string(path));
    add_number(answer, "size", true, map->size);
    add_number(answer, "page_size", true, map->page);
    add_number(answer, "cell_pages", true, map->cell_pages);
    json_object_object_add(answer, "total", total);
    json_object_object_add(answer, "cells", cells_to_json(map));
    json_object_object_add(answer, "mappings", mappings_to_json(users));
    add_number(answer, "unseen", true, users->unseen);
    return print_json(answer);
}

static int show(const struct invocation *invocation, const struct picture *picture,
                const struct page_map *map, const struct users *users)
{
    const char *path = invocation->arguments[0];

    if (invocation->json)
        return show_json(path, map, users);
    if (invocation->choices[CHOICE_SVG]) {
        svg_write(path, map, users, stdout);
        return EXIT_SUCCESS;
    }
    picture_draw(picture, map, stdout);
    picture_draw_mappings(picture, map, users, stdout);
    return EXIT_SUCCESS;
}

/* Returns how many cells are of use, at most. */
static size_t cells_of(const struct invocation *invocation, const struct picture *picture)
{
    if (invocation->json)
        return JSON_CELLS;
    return invocation->choices[CHOICE_SVG] ? SVG_CELLS : (size_t)picture->width * PICTURE_ROWS;
}

int cmd_map(const struct invocation *invocation)
{
    bool ascii = invocation->choices[CHOICE_ASCII] || strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
    struct picture picture = picture_for(picture_columns(), ascii);
    const char *path = invocation->arguments[0];
    struct page_map map;
    struct users users;
    struct statx stx;
    CLEANUP_FD int fd = -1;
    int status, error;

    if (invocation->json && invocation->choices[CHOICE_SVG]) {
        warnx("map: a drawing is no JSON; leave out --json or --svg");
        return EXIT_USAGE;
    }
    fd = open_file(path, &stx);
    if (fd < 0)
        return EXIT_FAILURE;
    error = page_map_read(fd, cells_of(invocation, &picture), &map);
    if (error)
        return fail(path, "its pages cannot be looked at: %s", strerror(-error));
    error = users_find(makedev(stx.stx_dev_major, stx.stx_dev_minor), stx.stx_ino, &users);
    if (error) {
        page_map_free(&map);
        return fail("/proc", "%s", strerror(-error));
    }
    status = show(invocation, &picture, &map, &users);
    users_report_unseen(&users);
    users_free(&users);
    page_map_free(&map);
    return status;
}
