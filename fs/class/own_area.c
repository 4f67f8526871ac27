// SPDX-License-Identifier: BSD-2-Clause
#include "fs/class/own_area.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/inode/descriptors.h"
#include "fs/util/fault.h"
#include "fs/util/log.h"
#include "fs/vfs/reclaim.h"
#include "lib/class/area_mark.h"
#include "lib/class/class_mark.h"
#include "lib/object/object.h"
#include "lib/sys/cleanup.h"

/* An empty tmpfs takes so much of the kernel's memory. */
#define MEMORY_OF_AREA (UINT64_C(64) << 10)

/* Returns the index of a directory's area; 0: it has none. */
static unsigned find_own(struct volume *volume, const struct statx *stx)
{
    unsigned found = 0;

    lock_take(&volume->own_areas);
    for (unsigned i = AREA_OWN; !found && i < AREAS; i++) {
        const struct area_entry *entry = area_table_entry(&volume->areas, i);

        if (area_table_state(&volume->areas, i) == AREA_IN_USE && entry->ino == stx->stx_ino &&
            entry->birth == object_birth(stx))
            found = i;
    }
    lock_release(&volume->own_areas);
    return found;
}

bool own_area_is_there(struct volume *volume, const struct statx *stx)
{
    return find_own(volume, stx) != 0;
}

/* Returns an index that is free; 0: there is none. */
static unsigned find_free(const struct volume *volume)
{
    for (unsigned i = AREA_OWN; i < AREAS; i++) {
        if (area_table_state(&volume->areas, i) == AREA_FREE)
            return i;
    }
    return 0;
}

/* Returns whether the directory of an area has gone behind the mount, or whoever made the area has
 * died before the directory became a class root. */
static bool is_deserted(const struct volume *volume, const struct area_entry *entry)
{
    char mark[AREA_WORDS_MAX];
    enum shmap_class class;
    struct statx stx;

    if (object_stat(entry->named, &stx) != 0)
        return false;
    // A class that is there could be read as the words could.
    return stx.stx_nlink == 0 ||
           (area_mark_get(entry->named, volume->info.cred.privileged, mark) == 0 &&
            class_root_class(entry->named, &class) == -ENODATA);
}

/* Closes the areas that are left and have no node. */
static void close_left(struct volume *volume)
{
    bool known[NODE_AREAS_MAX];

    for (unsigned i = AREA_OWN; i < AREAS; i++) {
        if (area_table_state(&volume->areas, i) == AREA_IN_USE &&
            is_deserted(volume, area_table_entry(&volume->areas, i)))
            area_table_leave(&volume->areas, i);
    }
    node_find_areas(&volume->nodes, known);
    lock_take(&volume->own_areas);
    for (unsigned i = AREA_OWN; i < AREAS; i++) {
        if (area_table_state(&volume->areas, i) == AREA_LEFT && !known[i])
            area_table_remove(&volume->areas, i, &volume->nodes);
    }
    lock_release(&volume->own_areas);
}

/* Finds a free index, and waits for what is about to go for that. */
static int find_place(struct volume *volume)
{
    unsigned mark = reclaim_mark(volume);
    unsigned index = find_free(volume);

    while (!index) {
        close_left(volume);
        index = find_free(volume);
        if (!index && !reclaim_wait(volume, &mark))
            return -EUSERS;
    }
    return (int)index;
}

/* Returns whether what is in the mount's own RAM area is never swapped out: the kernel takes the
 * word if it is in force already. */
static bool is_kept_in_memory(const struct volume *volume)
{
    return ram_change(&volume->info.areas[AREA_RAM], &(struct ram_changes){ .words = "noswap" }) ==
           0;
}

/* The flags of access times that the mount's own RAM area has, and one made later is to have. */
static uint64_t atime_flags(const struct volume *volume)
{
    struct statvfs vfs;
    uint64_t flags = MOUNT_ATTR_STRICTATIME;

    if (fstatvfs(volume->info.areas[AREA_RAM].root, &vfs) != 0)
        return MOUNT_ATTR_RELATIME;
    if (vfs.f_flag & ST_NOATIME)
        flags = MOUNT_ATTR_NOATIME;
    else if (vfs.f_flag & ST_RELATIME)
        flags = MOUNT_ATTR_RELATIME;
    return vfs.f_flag & ST_NODIRATIME ? flags | MOUNT_ATTR_NODIRATIME : flags;
}

/* Opens a tmpfs, which is as the mount's own where the words leave that open. */
static int open_tmpfs(struct volume *volume, const struct area_words *words, struct area *area,
                      struct complaint *complaint)
{
    const struct area *ram = volume_area(volume, AREA_RAM);
    struct ram_options options = { .huge = volume_huge(volume),
                                   .mode = 0755,
                                   .uid = (uid_t)-1,
                                   .gid = (gid_t)-1,
                                   .noswap = is_kept_in_memory(volume),
                                   .reserves = ram->reserves,
                                   .atime.set = atime_flags(volume) };
    int error = area_words_options(words, &options);

    // The threads' own identity is nobody's.
    if (volume->info.cred.privileged)
        options.uid = options.gid = 0;
    do {
        *complaint = (struct complaint){ "" };
        if (!error || error == -EMFILE)
            error = ram_open_beside(&options, ram, area, complaint);
    } while (descriptors_make_room(volume, &error));
    free(options.parameters);
    return error;
}

/* Makes a tmpfs of words that are good. */
static int make_tmpfs(struct volume *volume, const struct area_words *words, struct area *area)
{
    struct complaint complaint = { "" };
    int error;

    if (!*words->size)
        return -EINVAL;
    if (!memory_guard_take(volume->memory, MEMORY_OF_AREA))
        return -ENOSPC;
    error = open_tmpfs(volume, words, area, &complaint);
    if (error && complaint.text[0])
        log_event(LOG_WARNING, "%s", complaint.text);
    return error == -EINVAL ? -EOPNOTSUPP : error;
}

/* Copies the words in force: the kernel may have refused a huge=. */
static int print_in_force(const struct area_words *words, const struct area *area,
                          char text[AREA_WORDS_MAX])
{
    struct area_words in_force = *words;

    if (in_force.huge && strcmp(area->huge, "never") == 0)
        in_force.huge = RAM_HUGE_WORDS[0];
    return area_words_print(&in_force, text);
}

/* Takes an area into the table. From then on it is the mount's. */
static void add_area(struct volume *volume, unsigned index, const struct area_entry *entry)
{
    state_set_own_areas(volume->state);
    lock_take(&volume->own_areas);
    // They may have changed; a user's cannot.
    area_set_flags(&entry->area, atime_flags(volume), MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME);
    area_table_add(&volume->areas, index, entry, &volume->nodes);
    lock_release(&volume->own_areas);
}

static int duplicate_named(struct volume *volume, int named_dir)
{
    int fd;

    do {
        fd = fcntl(named_dir, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            fd = -errno;
    } while (descriptors_make_room(volume, &fd));
    return fd;
}

/* Makes an area; `mark` (NULL: it is there) is what the store gets to know of it. */
static int make_own(struct volume *volume, int named_dir, const struct statx *stx,
                    const struct area_words *words, const char *mark)
{
    struct area_entry entry = { .area = AREA_NONE,
                                .ino = stx->stx_ino,
                                .birth = object_birth(stx) };
    int index = find_place(volume);
    int error = index < 0 ? index : make_tmpfs(volume, words, &entry.area);

    if (error)
        return error;
    entry.named = duplicate_named(volume, named_dir);
    error = entry.named < 0 ? entry.named : print_in_force(words, &entry.area, entry.words);
    if (!error && mark)
        error = area_mark_set(named_dir, volume->info.cred.privileged, mark);
    if (error) {
        area_close(&entry.area);
        if (entry.named >= 0)
            close(entry.named);
        return error;
    }
    fault_point(FAULT_IN_AREA);
    add_area(volume, (unsigned)index, &entry);
    return index;
}

int own_area_make(struct volume *volume, int named_dir, const struct statx *stx,
                  const struct area_words *words)
{
    char mark[AREA_WORDS_MAX];
    int error = area_words_print(words, mark);

    return error ? error : make_own(volume, named_dir, stx, words, mark);
}

/* Writes a line about a directory whose area cannot be made. */
static void log_directory(int named_dir, const char *words, int error)
{
    char path[PATH_MAX];

    object_shown_path(named_dir, path);
    if (error == -EUSERS)
        log_event(LOG_WARNING,
                  "%s cannot have the RAM area that it is marked for (%s): the mount has %u, and "
                  "more it cannot have",
                  path, words, AREAS_OWN_MAX);
    else
        log_event(LOG_WARNING, "%s cannot have the RAM area that it is marked for (%s): %s", path,
                  words, strerror(-error));
}

/* Reads the words of a directory. In a user's own mount those count that are on a directory of that
 * user: others may write to the store, too. */
static int read_mark(const struct volume *volume, int named_dir, const struct statx *stx,
                     char mark[AREA_WORDS_MAX])
{
    bool privileged = volume->info.cred.privileged;

    if (!privileged && stx->stx_uid != volume->info.owner)
        return -ENODATA;
    return area_mark_get(named_dir, privileged, mark);
}

int own_area_enter(struct volume *volume, int named_dir, const struct statx *stx)
{
    char mark[AREA_WORDS_MAX] = "";
    struct area_words words;
    int index = (int)find_own(volume, stx);
    int error;

    if (index)
        return index;
    error = read_mark(volume, named_dir, stx, mark);
    if (error == -ENODATA)
        return AREA_RAM;
    if (!error)
        error = area_words_parse(mark, &words) ? -EIO : 0;
    index = error ? error : make_own(volume, named_dir, stx, &words, NULL);
    if (index < 0)
        log_directory(named_dir, mark, index);
    return index;
}

/* Changes the words of an area in force, and those in the store, which may differ. */
static int merge_words(const char *text, const struct area_words *changes,
                       char merged[AREA_WORDS_MAX])
{
    struct area_words words;
    int error = area_words_parse(text, &words);

    if (error)
        return error;
    area_words_merge(&words, changes);
    return area_words_print(&words, merged);
}

/* Returns whether the kernel knows words at all, which it finds out by reading them. */
static bool is_known(const struct volume *volume, const struct area *area,
                     struct ram_changes changes)
{
    changes.dry = true;
    return ram_change_beside(area, &volume->info.areas[AREA_RAM], &changes) == 0;
}

static int apply_change(const struct volume *volume, const struct area_entry *entry,
                        const struct area_words *words)
{
    const struct area *ram = &volume->info.areas[AREA_RAM];
    struct ram_changes changes = { .size = 0 };
    char *policy;
    int error = area_words_changes(words, &changes, &policy);

    if (!error && policy &&
        !is_known(volume, &entry->area, (struct ram_changes){ .words = policy }))
        error = -EOPNOTSUPP;
    // The kernel takes this word only if it is in force already.
    if (!error && words->noswap)
        error = ram_change_beside(&entry->area, ram, &(struct ram_changes){ .words = "noswap" });
    if (!error)
        error = ram_change_beside(&entry->area, ram, &changes);
    free(policy);
    return error == -EINVAL ? -EBUSY : error;
}

int own_area_change(struct volume *volume, unsigned area, const struct area_words *words)
{
    const struct area_entry *entry = area_table_entry(&volume->areas, area);
    bool privileged = volume->info.cred.privileged;
    struct area_words possible = *words;
    char before[AREA_WORDS_MAX], mark[AREA_WORDS_MAX], in_force[AREA_WORDS_MAX];
    int error = area_mark_get(entry->named, privileged, before);

    // Somebody has taken it away behind the mount.
    if (error == -ENODATA) {
        strlcpy(before, entry->words, sizeof(before));
        error = 0;
    }
    if (!error)
        error = merge_words(before, words, mark);
    // Without the kernel's support huge= has no effect, as when an area is made.
    if (words->huge && !is_known(volume, &entry->area, (struct ram_changes){ .huge = words->huge }))
        possible.huge = NULL;
    if (!error)
        error = merge_words(entry->words, &possible, in_force);
    if (!error)
        error = area_mark_set(entry->named, privileged, mark);
    if (error)
        return error;
    fault_point(FAULT_IN_AREA);
    error = apply_change(volume, entry, &possible);
    if (error) {
        area_mark_set(entry->named, privileged, before);
        return error;
    }
    lock_take(&volume->own_areas);
    area_table_set_words(&volume->areas, area, in_force);
    lock_release(&volume->own_areas);
    return 0;
}

void own_area_leave(struct volume *volume, int named_dir, const struct statx *stx)
{
    unsigned index = find_own(volume, stx);

    area_mark_remove(named_dir, volume->info.cred.privileged);
    if (!index)
        return;
    lock_take(&volume->own_areas);
    area_table_leave(&volume->areas, index);
    lock_release(&volume->own_areas);
}

void own_area_words(struct volume *volume, unsigned area, char words[AREA_WORDS_MAX])
{
    lock_take(&volume->own_areas);
    strlcpy(words, area_table_entry(&volume->areas, area)->words, AREA_WORDS_MAX);
    lock_release(&volume->own_areas);
}
