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
#include "fs/options/option_table.h"

/* They are a part of an attribute's name, which is shorter. */
#define LINES_MAX 256

struct live_changes {
    struct volume *volume;
    const struct option_row *row; // of the line at hand
    struct options wanted;        // what this line alone says

    struct ram_changes ram;
    char *words;             // for `ram`
    uint32_t timeout;        // plus 1; 0: nothing
    struct area_atime atime; // flags of the areas' mounts
    bool rw;                 // the mount becomes writable
    bool writable;           // the store's mount is to be, too
    bool umount_ends_given;
    bool umount_ends;
};

static int take_ram_size(struct live_changes *changes)
{
    changes->ram.size = changes->wanted.ram.size;
    return 0;
}

static int take_ram_inodes(struct live_changes *changes)
{
    changes->ram.inodes = changes->wanted.ram.inodes;
    return 0;
}

/* Without the kernel's support the word has no effect, as when a mount begins. */
static int take_ram_huge(struct live_changes *changes)
{
    struct ram_changes alone = { .huge = changes->wanted.ram.huge, .dry = true };

    if (ram_change(volume_area(changes->volume, AREA_RAM), &alone) == 0)
        changes->ram.huge = alone.huge;
    return 0;
}

static int take_ram_word(struct live_changes *changes)
{
    return option_add_line(&changes->words, changes->wanted.ram.parameters, NULL);
}

/* The kernel takes such a word if it is in force already, and no other one. */
static int take_kept_ram_word(struct live_changes *changes)
{
    const struct ram_options *wanted = &changes->wanted.ram;
    struct ram_changes alone = { .words = wanted->noswap ? "noswap" : wanted->parameters };
    int error = ram_change(volume_area(changes->volume, AREA_RAM), &alone);

    return error == -EINVAL ? -EBUSY : error;
}

static int take_timeout(struct live_changes *changes)
{
    unsigned seconds = changes->wanted.timeout;

    // The kernel does not ask any more whether it may keep listings.
    if (changes->volume->info.lists_unopened && seconds < TIMEOUT_DEFAULT)
        return -EBUSY;
    changes->timeout = seconds + 1;
    return 0;
}

static int set_flags_of_one(struct volume *volume, unsigned area, const struct area_atime *flags)
{
    return volume_has_area(volume, area)
               ? area_set_flags(volume_area(volume, area), flags->set, flags->clear)
               : 0;
}

/* Changes flags of the mounts that the areas are on; none: finds out whether that is possible. An
 * area that is made meanwhile has the flags of the mount's own RAM area. */
static int set_area_flags(struct volume *volume, const struct area_atime *flags)
{
    unsigned area = 0;
    int error = 0;

    while (!error && area < AREAS_OF_MOUNT)
        error = set_flags_of_one(volume, area++, flags);
    lock_take(&volume->own_areas);
    while (!error && area < AREAS)
        error = set_flags_of_one(volume, area++, flags);
    lock_release(&volume->own_areas);
    return error == -EOPNOTSUPP ? -EBUSY : error;
}

static int take_atime(struct live_changes *changes)
{
    const struct area_atime *wanted = &changes->wanted.atime;

    changes->atime.clear |= wanted->clear;
    changes->atime.set = (changes->atime.set & ~wanted->clear) | wanted->set;
    return set_area_flags(changes->volume, &(const struct area_atime){ 0 });
}

static bool is_read_only(const struct area *area)
{
    struct statvfs vfs;

    return fstatvfs(area->root, &vfs) == 0 && (vfs.f_flag & ST_RDONLY);
}

/* The flag of the mount itself is not the daemon's; a store that was opened for reading has one of
 * its own. Its filesystem can be read-only besides, which shows without that flag. */
static int take_rw(struct live_changes *changes)
{
    const struct area *store = volume_area(changes->volume, AREA_STORE);

    changes->rw = true;
    if (store->root < 0 || !is_read_only(store))
        return 0;
    changes->writable = area_set_flags(store, 0, MOUNT_ATTR_RDONLY) == 0 && !is_read_only(store);
    area_set_flags(store, MOUNT_ATTR_RDONLY, 0);
    return changes->writable ? 0 : -EROFS;
}

static int take_umount_ends(struct live_changes *changes)
{
    changes->umount_ends_given = true;
    changes->umount_ends = changes->wanted.umount_ends;
    return 0;
}

static int unless(bool differs)
{
    return differs ? -EBUSY : 0;
}

static int take_same(struct live_changes *changes)
{
    const struct mount_info *info = &changes->volume->info;
    bool has_keeper = changes->volume->state->life.keeper != 0;
    const struct {
        const char *name;
        bool in_force;
    } flags[] = {
        { "shared", info->shared },
        { "noshared", !info->shared },
        { "nopassthrough", !info->wants_passthrough },
        { "nobroker", !info->brokered },
        { "writeback", info->wants_writeback },
        { "io_uring", info->wants_io_uring },
        { "reserve", info->areas[AREA_RAM].reserves },
        { "skeleton", info->skeletons },
        { "keeper", has_keeper },
        { "nokeeper", !has_keeper },
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(changes->row->name, flags[i].name) == 0)
            return unless(!flags[i].in_force);
    }
    return -EBUSY;
}

/* The text of the mount's status has what was given, if there is room for it. */
static int take_same_text(struct live_changes *changes)
{
    const struct options *wanted = &changes->wanted;
    const char *found = changes->volume->state->options;
    char text[sizeof(changes->volume->state->options)];

    if (strcmp(changes->row->name, "log") == 0)
        return unless(wanted->log_size >> 12 != changes->volume->state->journal_blocks);
    snprintf(text, sizeof(text), ",%s=%s", changes->row->name,
             wanted->atomic ? wanted->atomic : wanted->checkpoint);
    found = strstr(found, text);
    return unless(!found || !strchr(",", found[strlen(text)]));
}

static int take_same_keep_alive(struct live_changes *changes)
{
    return unless(changes->volume->state->keep_alive != changes->wanted.keep_alive);
}

static int take_same_watchdog(struct live_changes *changes)
{
    return unless(changes->volume->state->life.watchdog != changes->wanted.watchdog + 1);
}

/* A mount has fewer than were asked for where its limit of open files is low. */
static int take_same_descriptors(struct live_changes *changes)
{
    struct volume *volume = changes->volume;
    uint64_t most = node_table_counts(&volume->nodes).cached_max;
    unsigned wanted = changes->wanted.descriptors;

    return unless(most != wanted &&
                  (wanted < most || most != (uint64_t)volume->info.descriptors_limit / 2));
}

static int take_same_share(struct live_changes *changes)
{
    return unless(changes->wanted.user_descriptors != changes->volume->info.user_descriptors);
}

/* The words are those of the mount's status; what directories have become since is theirs. */
static int take_same_lifetime(struct live_changes *changes)
{
    const struct options *wanted = &changes->wanted;
    const char *options = changes->volume->state->options;
    const char *linger = strstr(options, ",linger=");

    if (wanted->lifetime_given)
        return unless(wanted->last_close != (strstr(options, ",lifetime=last-close") != NULL));
    return unless(wanted->linger != (linger ? strtoul(strchr(linger, '=') + 1, NULL, 10) : 0));
}

/* Each option is taken down, or found to be in force already, by a function that returns 0 or a
 * negative errno; -EBUSY: it cannot be changed. */
static const struct {
    const char *name;
    int (*take)(struct live_changes *changes);
} LIVE_OPTIONS[] = {
    { "size", take_ram_size },
    { "nr_inodes", take_ram_inodes },
    { "huge", take_ram_huge },
    { "mpol", take_ram_word },
    { "inode32", take_ram_word },
    { "inode64", take_ram_word },
    { "noswap", take_kept_ram_word },
    { "quota", take_kept_ram_word },
    { "usrquota", take_kept_ram_word },
    { "grpquota", take_kept_ram_word },
    { "usrquota_block_hardlimit", take_kept_ram_word },
    { "usrquota_inode_hardlimit", take_kept_ram_word },
    { "grpquota_block_hardlimit", take_kept_ram_word },
    { "grpquota_inode_hardlimit", take_kept_ram_word },
    { "timeout", take_timeout },
    { "umount_ends", take_umount_ends },
    { "noumount_ends", take_umount_ends },
    { "rw", take_rw },
    { "noatime", take_atime },
    { "relatime", take_atime },
    { "strictatime", take_atime },
    { "nodiratime", take_atime },
    { "diratime", take_atime },
    { "reserve", take_same },
    { "atomic", take_same_text },
    { "checkpoint", take_same_text },
    { "log", take_same_text },
    { "lifetime", take_same_lifetime },
    { "linger", take_same_lifetime },
    { "skeleton", take_same },
    { "shared", take_same },
    { "noshared", take_same },
    { "keepalive", take_same_keep_alive },
    { "nopassthrough", take_same },
    { "nobroker", take_same },
    { "writeback", take_same },
    { "io_uring", take_same },
    { "keeper", take_same },
    { "nokeeper", take_same },
    { "watchdog", take_same_watchdog },
    { "descriptors", take_same_descriptors },
    { "user_descriptors", take_same_share },
};

static int take_wanted(struct live_changes *changes)
{
    for (size_t i = 0; i < sizeof(LIVE_OPTIONS) / sizeof(LIVE_OPTIONS[0]); i++) {
        if (strcmp(changes->row->name, LIVE_OPTIONS[i].name) == 0)
            return LIVE_OPTIONS[i].take(changes);
    }
    return -EBUSY;
}

static int take_line(struct live_changes *changes, char *line)
{
    char *value = strchr(line, '=');
    int error;

    if (value)
        *value++ = '\0';
    changes->row = option_find(line);
    if (!changes->row)
        return -EBUSY;
    if (!value != !changes->row->value)
        return -EINVAL;
    changes->wanted = (struct options){ 0 };
    error = changes->row->set(&changes->wanted, changes->row, value);
    if (!error)
        error = take_wanted(changes);
    option_free(&changes->wanted);
    return error;
}

static int change_mounts(const struct live_changes *changes)
{
    int error = changes->atime.clear ? set_area_flags(changes->volume, &changes->atime) : 0;

    if (!error && changes->writable)
        error = area_set_flags(volume_area(changes->volume, AREA_STORE), 0, MOUNT_ATTR_RDONLY);
    return error;
}

static void change_state(const struct live_changes *changes)
{
    struct state *state = changes->volume->state;

    if (changes->rw)
        state->read_only = false;
    for (uint32_t i = 0; changes->ram.huge && i < RAM_HUGE_WORD_COUNT; i++) {
        if (strcmp(changes->ram.huge, RAM_HUGE_WORDS[i]) == 0)
            state->huge = i + 1;
    }
    if (changes->timeout)
        state->timeout = changes->timeout;
    if (changes->umount_ends_given)
        state->umount_ends = changes->umount_ends;
}

static int apply_live_changes(struct live_changes *changes)
{
    struct ram_changes *ram = &changes->ram;
    int error = 0;

    ram->words = changes->words;
    if (ram->size || ram->inodes || ram->huge || ram->words)
        error = ram_change(volume_area(changes->volume, AREA_RAM), ram);
    if (error || ram->dry)
        return error;
    error = change_mounts(changes);
    if (!error)
        change_state(changes);
    return error;
}

static int change_by_lines(struct volume *volume, const char *lines, bool ask)
{
    struct live_changes changes = { .volume = volume, .ram.dry = ask };
    char copy[LINES_MAX];
    char *rest = copy;
    char *line;
    int error = strlcpy(copy, lines, sizeof(copy)) < sizeof(copy) ? 0 : -EINVAL;

    while (!error && (line = strsep(&rest, "\n")))
        error = *line ? take_line(&changes, line) : 0;
    if (!error)
        error = apply_live_changes(&changes);
    free(changes.words);
    // To callers of getxattr(2) that would be about the room for the answer.
    return error == -ERANGE ? -EINVAL : error;
}

int live_options_change(struct volume *volume, const char *lines, bool ask)
{
    int error;

    lock_take(&volume->options);
    error = change_by_lines(volume, lines, ask);
    lock_release(&volume->options);
    return error;
}
