// SPDX-License-Identifier: BSD-2-Clause
#include "tools/snapshot/class_marks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/area/store_lock.h"
#include "lib/class/class_mark.h"
#include "lib/class/file_mark.h"
#include "lib/object/xattr.h"
#include "lib/sys/cleanup.h"

/* Room for the words of attributes. */
enum { WORD_MAX = 256 };

/* Reads an attribute as a text. Returns whether there is one. */
static bool read_word(int fd, const char *name, char word[WORD_MAX])
{
    ssize_t length = xattr_get(fd, name, word, WORD_MAX - 1);

    word[length > 0 ? length : 0] = '\0';
    return length > 0;
}

/* Marks how long the files of an anonymous directory live. An area that it has for itself may be
 * more than the one who mounts the copy wants to give. */
static int mark_passing(int original, int copy)
{
    char word[WORD_MAX];

    if (!read_word(original, SHMAP_XATTR_LIFETIME, word) || strcmp(word, "mount") == 0)
        return 0;
    return xattr_set(copy, SHMAP_XATTR_LIFETIME, word, strlen(word), 0);
}

/* Words in force are the directory's own, if they differ from those above. */
static int mark_commits(int original, int above, int copy)
{
    static const char *const names[] = { SHMAP_XATTR_COMMIT, SHMAP_XATTR_INTERVAL };
    static const char *const otherwise[] = { "close", "0" };
    int error = 0;

    for (size_t i = 0; i < 2 && !error; i++) {
        char word[WORD_MAX];
        char word_above[WORD_MAX];

        if (!read_word(original, names[i], word))
            continue;
        if (!read_word(above, names[i], word_above))
            strlcpy(word_above, otherwise[i], sizeof(word_above));
        if (strcmp(word, word_above) != 0)
            error = xattr_set(copy, names[i], word, strlen(word), 0);
    }
    return error;
}

int class_marks_of_directory(const struct inventory *inventory, size_t index, int original,
                             int copy)
{
    const struct inventory_entry *entry = &inventory->entries[index];
    int error = 0;

    // A copy from RAM is to be seen in a store.
    if (inventory_is_passing(entry->class) && inventory->anon)
        return 0;
    if (inventory_begins_class(inventory, index))
        error = class_root_mark(copy, entry->class);
    if (!error && inventory_is_passing(entry->class))
        error = mark_passing(original, copy);
    if (!error && inventory_is_committed(entry->class)) {
        CLEANUP_FD int above = inventory_open(inventory, entry->parent);

        error = mark_commits(original, above, copy);
    }
    return error;
}

int class_marks_of_file(enum shmap_class class, enum shmap_class above, int copy, int root)
{
    struct area store = AREA_NONE;
    struct stat st;
    int error;

    if (class == above)
        return 0;
    error = file_mark_set(copy, class);
    if (error)
        return error;
    if (fstat(root, &st) != 0 || (mkdirat(root, STORE_PRIVATE, 0700) != 0 && errno != EEXIST))
        return -errno;
    store.root = root;
    store.device = st.st_dev;
    return file_mark_note(&store);
}
