// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/area_attribute.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/class/class_change.h"
#include "fs/class/own_area.h"
#include "fs/vfs/attr.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

int area_attribute_get(struct inode *inode, char **value)
{
    const struct class *class = inode_class(inode);
    char words[AREA_WORDS_MAX];
    int error = inode_is_class_root(inode) && class->limit_words ? class->limit_words(inode, words)
                                                                 : -ENODATA;

    if (error)
        return error;
    *value = strdup(words);
    return 0;
}

/* Writes the path of a directory of the store, from its root on. The kernel tells it from the root
 * of the mount that the store is worked on through. */
static void print_path(const struct area *store, int dir, char *text, size_t size)
{
    char path[PATH_MAX], root[PATH_MAX];
    struct object_path link;
    ssize_t length = readlink(object_path_of(dir, &link), path, sizeof(path) - 1);
    ssize_t above = readlink(object_path_of(store->root, &link), root, sizeof(root) - 1);

    path[length > 0 ? length : 0] = '\0';
    root[above > 0 ? above : 0] = '\0';
    if (above <= 0 || strncmp(path, root, (size_t)above) != 0)
        above = 0;
    strlcpy(text, path + above + strspn(path + above, "/"), size);
}

/* Reads an area; returns false if there is none of that index. */
static bool read_area(struct volume *volume, unsigned index, struct shmap_own_area *area)
{
    const struct area_entry *entry = area_table_entry(&volume->areas, index);
    struct shmap_area_status status;
    struct area_words words;

    if (area_table_state(&volume->areas, index) != AREA_IN_USE ||
        area_status(&entry->area, &status) != 0)
        return false;
    *area = (struct shmap_own_area){ .size = status.size,
                                     .used = status.used,
                                     .inodes = status.inodes,
                                     .inodes_used = status.inodes_used };
    print_path(volume_area(volume, AREA_STORE), entry->named, area->directory,
               sizeof(area->directory));
    strlcpy(area->words, entry->words, sizeof(area->words));
    if (area_words_parse(entry->words, &words) == 0 && words.huge)
        strlcpy(area->huge, words.huge, sizeof(area->huge));
    else
        strlcpy(area->huge, entry->area.huge, sizeof(area->huge));
    return true;
}

int area_attribute_list(struct inode *inode, char **value)
{
    struct volume *volume = inode->volume;
    CLEANUP_FREE struct shmap_own_area *areas = calloc(AREAS_OWN_MAX, sizeof(*areas));
    size_t count = 0;

    if (!areas)
        return -ENOMEM;
    lock_take(&volume->own_areas);
    for (unsigned i = AREA_OWN; i < AREAS; i++)
        count += read_area(volume, i, &areas[count]);
    lock_release(&volume->own_areas);
    *value = shmap_areas_to_json(areas, count);
    return 0;
}

static int read_words(const char *value, size_t size, struct area_words *words)
{
    char text[AREA_WORDS_MAX];

    if (size >= sizeof(text) || memchr(value, '\0', size))
        return -EINVAL;
    memcpy(text, value, size);
    text[size] = '\0';
    return area_words_parse(text, words);
}

int area_attribute_set(struct inode *inode, const char *value, size_t size)
{
    struct area_words words;
    int error = read_words(value, size, &words);

    if (error)
        return error;
    error = class_limit(inode, &words);
    // Size and times may be those of another directory now.
    attr_invalidate(inode->volume, inode->ref.id);
    return error;
}

bool area_attribute_limits(const char *value, size_t size)
{
    return memchr(value, ',', size) != NULL;
}

int area_attribute_set_class(struct inode *inode, const char *value, size_t size)
{
    const char *comma = memchr(value, ',', size);
    size_t length = comma ? (size_t)(comma - value) : size;
    struct area_words words;
    enum shmap_class class;
    int error = shmap_class_parse(value, length, &class);

    if (!error && comma)
        error = read_words(comma + 1, size - length - 1, &words);
    if (error)
        return error;
    error = class_assign(inode, class, comma ? &words : NULL);
    // Size and times are those of another directory now.
    attr_invalidate(inode->volume, inode->ref.id);
    return error;
}
