// SPDX-License-Identifier: BSD-2-Clause
/*
 * Options that change while the mount is in use, for a remount.
 *
 * All lines are read before anything changes, and only the kernel can refuse what comes then: it
 * changes all of a RAM area or nothing. To do the same again, when a request is repeated, is no
 * harm.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

#include "fs/mount/mount.h"
#include "fs/ops/control_xattr.h"
#include "lib/sys/cleanup.h"

/* They are a part of an attribute's name, which is shorter. */
#define LINES_MAX 256

struct live_changes {
    struct ram_changes ram;
    char words[LINES_MAX];   // for `ram`
    uint32_t huge;           // 1 + its place in RAM_HUGE_WORDS; 0: nothing
    uint32_t timeout;        // plus 1; 0: nothing
    uint64_t set, clear;     // flags of the areas' mounts
    bool rw;                 // the mount becomes writable
    bool writable;           // the store's mount is to be, too
    const char *umount_ends; // this word; NULL: nothing
};

/* Each option is taken down, or found to be in force already, by a function that returns 0 or a
 * negative errno; -EBUSY: it cannot be changed. */
struct live_option {
    const char *name;
    int (*take)(struct volume *volume, const struct live_option *option, const char *value,
                struct live_changes *changes);
    uint64_t set, clear;
};

static int take_size(struct volume *volume, const struct live_option *option, const char *value,
                     struct live_changes *changes)
{
    (void)volume;
    (void)option;
    return ram_parse_size(value, &changes->ram.size);
}

static int take_inodes(struct volume *volume, const struct live_option *option, const char *value,
                       struct live_changes *changes)
{
    (void)volume;
    (void)option;
    return strchr(value, '%') ? -EINVAL : shmap_size_parse(value, 0, &changes->ram.inodes);
}

/* Without the kernel's support the word has no effect, as when a mount begins. */
static int take_huge(struct volume *volume, const struct live_option *option, const char *value,
                     struct live_changes *changes)
{
    struct ram_changes alone = { .huge = value, .dry = true };

    (void)option;
    for (uint32_t i = 0; i < RAM_HUGE_WORD_COUNT; i++) {
        if (strcmp(value, RAM_HUGE_WORDS[i]) != 0)
            continue;
        if (ram_change(volume_area(volume, AREA_RAM), &alone) == 0) {
            changes->ram.huge = RAM_HUGE_WORDS[i];
            changes->huge = i + 1;
        }
        return 0;
    }
    return -EINVAL;
}

static void add_word(char *words, const char *name, const char *value)
{
    // There is room for all the lines that came.
    strlcat(words, *words ? "\n" : "", LINES_MAX);
    strlcat(words, name, LINES_MAX);
    strlcat(words, *value ? "=" : "", LINES_MAX);
    strlcat(words, value, LINES_MAX);
}

static int take_ram_word(struct volume *volume, const struct live_option *option, const char *value,
                         struct live_changes *changes)
{
    (void)volume;
    add_word(changes->words, option->name, value);
    return 0;
}

/* The kernel takes such a word if it is in force already, and no other one. */
static int take_kept_ram_word(struct volume *volume, const struct live_option *option,
                              const char *value, struct live_changes *changes)
{
    char word[LINES_MAX] = "";
    int error;

    (void)changes;
    add_word(word, option->name, value);
    error = ram_change(volume_area(volume, AREA_RAM), &(const struct ram_changes){ .words = word });
    return error == -EINVAL ? -EBUSY : error;
}

static int parse_number(const char *value, unsigned high, unsigned *number)
{
    const char *wrong;
    long long parsed = strtonum(value, 0, high, &wrong);

    if (*value == '\0' || value[strspn(value, "0123456789")] != '\0' || wrong)
        return -EINVAL;
    *number = (unsigned)parsed;
    return 0;
}

static int take_timeout(struct volume *volume, const struct live_option *option, const char *value,
                        struct live_changes *changes)
{
    unsigned seconds;
    int error = parse_number(value, 1000000000, &seconds);

    (void)option;
    // The kernel does not ask any more whether it may keep listings.
    if (!error && volume->info.lists_unopened && seconds < TIMEOUT_DEFAULT)
        return -EBUSY;
    changes->timeout = error ? 0 : seconds + 1;
    return error;
}

/* Changes flags of the mounts that the areas are on; none: finds out whether that is possible. */
static int set_flags(struct volume *volume, uint64_t set, uint64_t clear)
{
    int error = 0;

    for (unsigned area = 0; !error && area < AREAS; area++) {
        if (volume_area(volume, area)->root >= 0)
            error = area_set_flags(volume_area(volume, area), set, clear);
    }
    return error == -EOPNOTSUPP ? -EBUSY : error;
}

static int take_flag(struct volume *volume, const struct live_option *option, const char *value,
                     struct live_changes *changes)
{
    (void)value;
    changes->clear |= option->clear;
    changes->set = (changes->set & ~option->clear) | option->set;
    return set_flags(volume, 0, 0);
}

static bool is_read_only(const struct area *area)
{
    struct statvfs vfs;

    return fstatvfs(area->root, &vfs) == 0 && (vfs.f_flag & ST_RDONLY);
}

/* The flag of the mount itself is not the daemon's; a store that was opened for reading has one of
 * its own. Its filesystem can be read-only besides, which shows without that flag. */
static int take_rw(struct volume *volume, const struct live_option *option, const char *value,
                   struct live_changes *changes)
{
    const struct area *store = volume_area(volume, AREA_STORE);

    (void)option;
    (void)value;
    changes->rw = true;
    if (store->root < 0 || !is_read_only(store))
        return 0;
    changes->writable = area_set_flags(store, 0, MOUNT_ATTR_RDONLY) == 0 && !is_read_only(store);
    area_set_flags(store, MOUNT_ATTR_RDONLY, 0);
    return changes->writable ? 0 : -EROFS;
}

static int unless(bool differs)
{
    return differs ? -EBUSY : 0;
}

static int take_same(struct volume *volume, const struct live_option *option, const char *value,
                     struct live_changes *changes)
{
    const struct mount_info *info = &volume->info;
    const struct {
        const char *name;
        bool in_force;
    } flags[] = {
        { "nopassthrough", !info->wants_passthrough },
        { "writeback", info->wants_writeback },
        { "io_uring", info->wants_io_uring },
        { "reserve", info->areas[AREA_RAM].reserves },
        { "skeleton", info->skeletons },
        { "keeper", volume->state->life.keeper != 0 },
        { "nokeeper", volume->state->life.keeper == 0 },
    };

    (void)value;
    (void)changes;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(option->name, flags[i].name) == 0)
            return unless(!flags[i].in_force);
    }
    return -EBUSY;
}

static int take_same_watchdog(struct volume *volume, const struct live_option *option,
                              const char *value, struct live_changes *changes)
{
    unsigned seconds;
    int error = parse_number(value, 86400, &seconds);

    (void)option;
    (void)changes;
    return error ? error : unless(volume->state->life.watchdog != seconds + 1);
}

/* A mount has fewer than were asked for where its limit of open files is low. */
static int take_same_descriptors(struct volume *volume, const struct live_option *option,
                                 const char *value, struct live_changes *changes)
{
    uint64_t most = node_table_counts(&volume->nodes).cached_max;
    unsigned wanted;
    int error = parse_number(value, 100000000, &wanted);

    (void)option;
    (void)changes;
    return error ? error
                 : unless(most != wanted &&
                          (wanted < most || most != (uint64_t)volume->info.descriptors_limit / 2));
}

static int take_same_share(struct volume *volume, const struct live_option *option,
                           const char *value, struct live_changes *changes)
{
    unsigned percent = (unsigned)strtoul(value, NULL, 10);

    (void)option;
    (void)changes;
    return unless(percent != volume->info.user_descriptors);
}

static int take_umount_ends(struct volume *volume, const struct live_option *option,
                            const char *value, struct live_changes *changes)
{
    (void)volume;
    (void)value;
    changes->umount_ends = option->name;
    return 0;
}

static const struct live_option LIVE_OPTIONS[] = {
    { "size", take_size, 0, 0 },
    { "nr_inodes", take_inodes, 0, 0 },
    { "huge", take_huge, 0, 0 },
    { "mpol", take_ram_word, 0, 0 },
    { "inode32", take_ram_word, 0, 0 },
    { "inode64", take_ram_word, 0, 0 },
    { "noswap", take_kept_ram_word, 0, 0 },
    { "quota", take_kept_ram_word, 0, 0 },
    { "usrquota", take_kept_ram_word, 0, 0 },
    { "grpquota", take_kept_ram_word, 0, 0 },
    { "usrquota_block_hardlimit", take_kept_ram_word, 0, 0 },
    { "usrquota_inode_hardlimit", take_kept_ram_word, 0, 0 },
    { "grpquota_block_hardlimit", take_kept_ram_word, 0, 0 },
    { "grpquota_inode_hardlimit", take_kept_ram_word, 0, 0 },
    { "timeout", take_timeout, 0, 0 },
    { "umount_ends", take_umount_ends, 0, 0 },
    { "noumount_ends", take_umount_ends, 0, 0 },
    { "rw", take_rw, 0, 0 },
    { "noatime", take_flag, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
    { "relatime", take_flag, MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
    { "strictatime", take_flag, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
    { "nodiratime", take_flag, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NODIRATIME },
    { "diratime", take_flag, 0, MOUNT_ATTR_NODIRATIME },
    { "reserve", take_same, 0, 0 },
    { "skeleton", take_same, 0, 0 },
    { "nopassthrough", take_same, 0, 0 },
    { "writeback", take_same, 0, 0 },
    { "io_uring", take_same, 0, 0 },
    { "keeper", take_same, 0, 0 },
    { "nokeeper", take_same, 0, 0 },
    { "watchdog", take_same_watchdog, 0, 0 },
    { "descriptors", take_same_descriptors, 0, 0 },
    { "user_descriptors", take_same_share, 0, 0 },
};

static int take_line(struct volume *volume, char *line, struct live_changes *changes)
{
    char *value = strchr(line, '=');

    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < sizeof(LIVE_OPTIONS) / sizeof(LIVE_OPTIONS[0]); i++) {
        if (strcmp(line, LIVE_OPTIONS[i].name) == 0)
            return LIVE_OPTIONS[i].take(volume, &LIVE_OPTIONS[i], value ? value : "", changes);
    }
    return -EBUSY;
}

static int change_mounts(struct volume *volume, const struct live_changes *changes)
{
    int error = changes->clear ? set_flags(volume, changes->set, changes->clear) : 0;

    if (!error && changes->writable)
        error = area_set_flags(volume_area(volume, AREA_STORE), 0, MOUNT_ATTR_RDONLY);
    return error;
}

static int apply(struct volume *volume, struct live_changes *changes)
{
    const struct ram_changes *ram = &changes->ram;
    int error = 0;

    changes->ram.words = *changes->words ? changes->words : NULL;
    if (ram->size || ram->inodes || ram->huge || ram->words)
        error = ram_change(volume_area(volume, AREA_RAM), ram);
    if (error || ram->dry)
        return error;
    error = change_mounts(volume, changes);
    if (error)
        return error;
    if (changes->rw)
        volume->state->read_only = false;
    if (changes->huge)
        volume->state->huge = changes->huge;
    if (changes->timeout)
        volume->state->timeout = changes->timeout;
    if (changes->umount_ends)
        volume->state->umount_ends = *changes->umount_ends == 'u';
    return 0;
}

static int change_options(struct volume *volume, const char *lines, bool ask)
{
    CLEANUP_FREE struct live_changes *changes = calloc(1, sizeof(*changes));
    char copy[LINES_MAX];
    char *rest = copy;
    char *line;
    int error = 0;

    if (!changes)
        return -ENOMEM;
    if (strlcpy(copy, lines, sizeof(copy)) >= sizeof(copy))
        return -EINVAL;
    changes->ram.dry = ask;
    while (!error && (line = strsep(&rest, "\n")))
        error = *line ? take_line(volume, line, changes) : 0;
    if (!error)
        error = apply(volume, changes);
    // To callers of getxattr(2) that would be about the room for the answer.
    return error == -ERANGE ? -EINVAL : error;
}

int live_options_change(struct volume *volume, const char *lines, bool ask)
{
    int error;

    lock_take(&volume->options);
    error = change_options(volume, lines, ask);
    lock_release(&volume->options);
    return error;
}
