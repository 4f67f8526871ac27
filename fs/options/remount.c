// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/remount.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/options/option_table.h"
#include "fs/options/remount_anon.h"
#include "fs/options/remount_flags.h"
#include "fs/options/remount_top.h"
#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A mount, and the options that it is to have. */
struct change {
    const struct options *options;
    char where[PATH_MAX]; // its mount point
    char *shown;          // its filesystem's options, as the mount table has them
    bool of_user;         // a user has mounted it
    struct shmap_status *status;
    struct remount_flags flags;
    unsigned long wanted;
    bool own_writable; // the mount itself is to be writable again
    bool forget_names; // the kernel is to ask anew for names
    char *lines;       // for the daemon; NULL: nothing
};

static int find_mount(struct change *change, struct complaint *complaint)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    const char *given = change->options->mountpoint;
    bool found = false;
    int error;

    if (!realpath(given, change->where))
        return complain(complaint, errno, "MOUNTPOINT %s cannot be used: %s", given,
                        strerror(errno));
    while (mounts_next(&mounts)) {
        if (strcmp(mounts.directory, change->where) != 0)
            continue;
        found = strcmp(mounts.type, MOUNTS_TYPE) == 0;
        free(change->shown);
        change->shown = strdup(mounts.options);
    }
    if (!found)
        return complain(complaint, EINVAL,
                        "MOUNTPOINT %s has no shmapfs that could be remounted; leave 'remount' out "
                        "to mount it",
                        given);
    if (!change->shown)
        return complain(complaint, ENOMEM, "the mount table cannot be read: %s", strerror(ENOMEM));
    change->of_user = !strstr(change->shown, "user_id=0,");
    change->status = calloc(1, sizeof(*change->status));
    if (!change->status)
        return complain(complaint, ENOMEM, "%s", strerror(ENOMEM));
    // To root a user's mount may tell nothing but its flags. Here it can have another path.
    shmap_status_get(change->where, change->status);
    strlcpy(change->status->mountpoint, change->where, sizeof(change->status->mountpoint));
    error = remount_flags_read(change->where, change->shown, &change->flags);
    if (error)
        return complain(complaint, -error, "the shmapfs at %s does not answer: %s", given,
                        strerror(-error));
    // mount(8) says all flags that there are to be; a person says those that are to change.
    change->wanted = change->flags.all &
                     (change->options->helper ? (unsigned long)MS_ATIMES | MS_NODIRATIME : ~0UL);
    return 0;
}

static int complain_of_fixed(const struct change *change, const char *word,
                             struct complaint *complaint)
{
    return complain(complaint, EOPNOTSUPP,
                    "option '%s' cannot be changed while it is mounted at %s; unmount it, and "
                    "mount it anew",
                    word, change->where);
}

static bool is_word(const char *word, const char *name)
{
    size_t length = strlen(name);

    return strncmp(word, name, length) == 0 && (word[length] == '\0' || word[length] == '=');
}

/* Returns what an EINVAL about a limit means, for the end of a message. */
static const char *about_limits(int error, bool is_limit)
{
    return error == -EINVAL && is_limit ? "; no limit can be less than what is in use" : "";
}

/* Asks the daemon about a word. */
static int check_live(const struct change *change, const char *word, struct complaint *complaint)
{
    int error = shmap_options_change(change->where, word, true);

    switch (error) {
    case 0:
        return 0;
    case -EBUSY:
        return complain_of_fixed(change, word, complaint);
    case -EROFS:
        return complain(complaint, EROFS,
                        "option '%s': STORE is read-only, or was opened so by an earlier version; "
                        "make it writable, or mount anew",
                        word);
    case -EPERM:
        return complain(complaint, EPERM,
                        "option '%s': only root and whoever has mounted %s can change it", word,
                        change->where);
    case -EACCES:
        return complain(complaint, EACCES,
                        "option '%s': the mount at %s serves the user alone who has mounted it, "
                        "and who can change it",
                        word, change->where);
    case -ENODATA:
        return complain(complaint, EOPNOTSUPP,
                        "the shmapfs at %s is of an earlier version; first: shmapctl upgrade %s",
                        change->where, change->where);
    default:
        return complain(complaint, -error, "option '%s' cannot be had at %s: %s%s", word,
                        change->where, strerror(-error),
                        about_limits(error, is_word(word, "size") || is_word(word, "nr_inodes")));
    }
}

/* There is room for few words in a call that changes some, so those that must be in force already
 * are not in it. */
static bool is_kept(const char *word)
{
    char name[64];
    const struct option_row *row;

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    row = option_find(name);
    return row && row->kept;
}

static int add_live(struct change *change, const char *word, struct complaint *complaint)
{
    int error = check_live(change, word, complaint);

    if (!error && !is_kept(word) && option_add_line(&change->lines, word, NULL) != 0)
        error = complain(complaint, ENOMEM, "option '%s': %s", word, strerror(ENOMEM));
    return error;
}

static int add_size(struct change *change, const char *word, struct complaint *complaint)
{
    char size[48];

    (void)word;
    snprintf(size, sizeof(size), "size=%llu", (unsigned long long)change->options->ram.size);
    return add_live(change, size, complaint);
}

static int take_top(struct change *change, const char *word, struct complaint *complaint)
{
    return remount_top_check(&change->options->ram, word, change->status, change->shown, complaint);
}

static int take_anon(struct change *change, const char *word, struct complaint *complaint)
{
    (void)word;
    return remount_anon_check(change->options->anon, SHMAP_ANON, change->status,
                              change->flags.all & MS_RDONLY, complaint);
}

static int take_scratch(struct change *change, const char *word, struct complaint *complaint)
{
    (void)word;
    return remount_anon_check(change->options->scratch, SHMAP_SCRATCH, change->status,
                              change->flags.all & MS_RDONLY, complaint);
}

/* The kernel keeps what it knows for as long as it was told. */
static int add_timeout(struct change *change, const char *word, struct complaint *complaint)
{
    const char *before = strstr(change->status->options, ",timeout=");

    change->forget_names =
        before && change->options->timeout < strtoul(strchr(before, '=') + 1, NULL, 10);
    return add_live(change, word, complaint);
}

/* The word is in the mount table if it is in force. */
static int take_shown(struct change *change, const char *word, struct complaint *complaint)
{
    return strstr(change->shown, word) ? 0 : complain_of_fixed(change, word, complaint);
}

static int skip_word(struct change *change, const char *word, struct complaint *complaint)
{
    (void)change;
    (void)word;
    (void)complaint;
    return 0;
}

/* Options that are not the daemon's to change, or not by this word. */
static const struct {
    const char *name;
    int (*take)(struct change *change, const char *word, struct complaint *complaint);
} SPECIAL[] = {
    { "remount", skip_word },     { "takeover", skip_word },   { "fsname", skip_word },
    { "context", skip_word },     { "fscontext", skip_word },  { "defcontext", skip_word },
    { "rootcontext", skip_word }, { "size", add_size },        { "nr_blocks", add_size },
    { "mode", take_top },         { "uid", take_top },         { "gid", take_top },
    { "anon", take_anon },        { "scratch", take_scratch }, { "allow_other", take_shown },
    { "dirsync", take_shown },    { "timeout", add_timeout },
};

static int take_word(struct change *change, const char *word, struct complaint *complaint)
{
    // A takeover leaves what somebody did to this one mount.
    if (strcmp(word, "rw") == 0 || strcmp(word, "ro") == 0)
        change->own_writable =
            word[1] == 'w' && change->flags.own_read_only && !change->options->takeover;
    // This mount is so already, and others of the filesystem may be in use.
    if (strcmp(word, "ro") == 0 && change->flags.own_read_only)
        return 0;
    if (remount_flags_take(word, &change->wanted))
        return 0;
    for (size_t i = 0; i < COUNT(SPECIAL); i++) {
        if (is_word(word, SPECIAL[i].name))
            return SPECIAL[i].take(change, word, complaint);
    }
    return add_live(change, word, complaint);
}

/* Returns whether a later line is of the same option, and so counts instead. */
static bool comes_again(const char *word, const char *rest)
{
    size_t length = strcspn(word, "=");

    for (const char *line = rest; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, length) == 0 && strchr("=\n", line[length]))
            return true;
    }
    return false;
}

static int take_words(struct change *change, struct complaint *complaint)
{
    CLEANUP_FREE char *copy = change->options->given ? strdup(change->options->given) : NULL;
    char *rest = copy;
    const char *word;
    int error = 0;

    while (!error && (word = strsep(&rest, "\n"))) {
        if (!comes_again(word, rest))
            error = take_word(change, word, complaint);
    }
    return error;
}

/* Has the daemon change what follows from the mount's own flags. */
static int follow_flags(struct change *change, struct complaint *complaint)
{
    const unsigned long changed = change->flags.all ^ change->wanted;
    const unsigned long wanted = change->wanted;
    const struct {
        bool wanted;
        const char *word;
    } words[] = {
        { changed & MS_RDONLY && !(wanted & MS_RDONLY), "rw" },
        { changed & MS_ATIMES && wanted & MS_NOATIME, "noatime" },
        { changed & MS_ATIMES && wanted & MS_RELATIME, "relatime" },
        { changed & MS_ATIMES && wanted & MS_STRICTATIME, "strictatime" },
        { changed & MS_NODIRATIME && wanted & MS_NODIRATIME, "nodiratime" },
        { changed & MS_NODIRATIME && !(wanted & MS_NODIRATIME), "diratime" },
    };
    int error = words[0].wanted ? remount_anon_check_writable(change->status, complaint) : 0;

    for (size_t i = 0; !error && i < COUNT(words); i++)
        error = words[i].wanted ? add_live(change, words[i].word, complaint) : 0;
    return error;
}

static int check_flags(struct change *change, struct complaint *complaint)
{
    if (change->of_user)
        change->wanted |= MS_NOSUID | MS_NODEV;
    if (change->wanted == change->flags.all && !change->own_writable)
        return 0;
    if (geteuid() != 0)
        return complain(complaint, EPERM,
                        "only root can change the flags of the mount at %s, such as ro and noexec; "
                        "unmount it, and mount it anew",
                        change->where);
    return follow_flags(change, complaint);
}

static int set_mount_flags(const struct change *change, unsigned long flags)
{
    return remount_flags_set(change->where, flags,
                             change->flags.own_read_only && !change->own_writable);
}

static int complain_of_daemon(const struct change *change, int error, struct complaint *complaint)
{
    char words[512];

    strlcpy(words, change->lines, sizeof(words));
    for (char *at = words; (at = strchr(at, '\n')); at++)
        *at = ',';
    return complain(complaint, -error, "options '%s' cannot be had at %s: %s%s", words,
                    change->where, strerror(-error), about_limits(error, true));
}

/* The flags come first: they can be set back. */
static int apply_remount(const struct change *change, struct complaint *complaint)
{
    bool flags = change->wanted != change->flags.all || change->own_writable;
    int error = flags ? set_mount_flags(change, change->wanted) : 0;

    if (error == -EBUSY)
        return complain(complaint, EBUSY,
                        "MOUNTPOINT %s is busy: files are open for writing; see: shmapctl ls %s",
                        change->where, change->where);
    if (error)
        return complain(complaint, -error, "the flags of the mount at %s cannot be changed: %s",
                        change->where, strerror(-error));
    error = change->lines ? shmap_options_change(change->where, change->lines, false) : 0;
    if (error && flags)
        remount_flags_set(change->where, change->flags.all, change->flags.own_read_only);
    if (error)
        return complain_of_daemon(change, error, complaint);
    // The kernel forgets the names that nobody uses, and so for how long it was to trust them. It
    // also brings the filesystem to its disk, and so waits for a store that is frozen.
    if (change->forget_names && geteuid() == 0)
        set_mount_flags(change, change->wanted);
    if (change->flags.all & ~change->wanted & MS_RDONLY)
        remount_anon_mark(change->status);
    error = remount_anon_limit(change->options->anon, SHMAP_ANON, change->status, complaint);
    return error ? error
                 : remount_anon_limit(change->options->scratch, SHMAP_SCRATCH, change->status,
                                      complaint);
}

int remount(const struct options *options, struct complaint *complaint)
{
    struct change change = { .options = options };
    int error = find_mount(&change, complaint);

    if (!error)
        error = take_words(&change, complaint);
    if (!error)
        error = check_flags(&change, complaint);
    if (!error && !options->fake)
        error = apply_remount(&change, complaint);
    free(change.lines);
    free(change.shown);
    free(change.status);
    return error;
}
