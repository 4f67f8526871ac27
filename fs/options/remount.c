// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/remount.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/options/option_table.h"
#include "lib/api/shmap.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/mounts.h"

#define MS_ATIMES    (MS_NOATIME | MS_RELATIME | MS_STRICTATIME)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A mount, and the options that it is to have. */
struct change {
    const struct options *options;
    char where[PATH_MAX]; // its mount point
    char *shown;          // its filesystem's options, as the mount table has them
    bool of_user;         // a user has mounted it
    unsigned long flags;  // as mount(2) has them
    unsigned long wanted;
    char *lines; // for the daemon; NULL: nothing
};

/* The flags of the mount itself. The kernel cannot change `dirsync`. */
static const struct {
    const char *name;
    unsigned long clear, set;
} FLAGS[] = {
    { "ro", MS_RDONLY, MS_RDONLY },
    { "rw", MS_RDONLY, 0 },
    { "suid", MS_NOSUID, 0 },
    { "nosuid", MS_NOSUID, MS_NOSUID },
    { "dev", MS_NODEV, 0 },
    { "nodev", MS_NODEV, MS_NODEV },
    { "exec", MS_NOEXEC, 0 },
    { "noexec", MS_NOEXEC, MS_NOEXEC },
    { "sync", MS_SYNCHRONOUS, MS_SYNCHRONOUS },
    { "async", MS_SYNCHRONOUS, 0 },
    { "noatime", MS_ATIMES, MS_NOATIME },
    { "atime", MS_ATIMES, MS_RELATIME },
    { "relatime", MS_ATIMES, MS_RELATIME },
    { "norelatime", MS_ATIMES, MS_RELATIME },
    { "nostrictatime", MS_ATIMES, MS_RELATIME },
    { "strictatime", MS_ATIMES, MS_STRICTATIME },
    { "nodiratime", MS_NODIRATIME, MS_NODIRATIME },
    { "diratime", MS_NODIRATIME, 0 },
    { "nosymfollow", MS_NOSYMFOLLOW, MS_NOSYMFOLLOW },
    { "symfollow", MS_NOSYMFOLLOW, 0 },
};

/* Reads the flags of a mount. strictatime is that neither of the others is there. */
static unsigned long flags_of(const struct statvfs *vfs)
{
    static const struct {
        unsigned long shown, flag;
    } known[] = {
        { ST_RDONLY, MS_RDONLY },
        { ST_NOSUID, MS_NOSUID },
        { ST_NODEV, MS_NODEV },
        { ST_NOEXEC, MS_NOEXEC },
        { ST_SYNCHRONOUS, MS_SYNCHRONOUS },
        { ST_NOATIME, MS_NOATIME },
        { ST_NODIRATIME, MS_NODIRATIME },
        { ST_RELATIME, MS_RELATIME },
        { 0x2000 /* ST_NOSYMFOLLOW */, MS_NOSYMFOLLOW },
    };
    unsigned long flags = 0;

    for (size_t i = 0; i < COUNT(known); i++)
        flags |= vfs->f_flag & known[i].shown ? known[i].flag : 0;
    return flags & MS_ATIMES ? flags : flags | MS_STRICTATIME;
}

static int find_mount(struct change *change, struct complaint *complaint)
{
    CLEANUP_MOUNTS struct mounts mounts = mounts_begin();
    const char *given = change->options->mountpoint;
    struct statvfs vfs;
    bool found = false;

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
    if (statvfs(change->where, &vfs) != 0)
        return complain(complaint, errno, "the shmapfs at %s does not answer: %s", given,
                        strerror(errno));
    change->flags = flags_of(&vfs);
    // mount(8) says all flags that there are to be; a person says those that are to change.
    change->wanted =
        change->flags & (change->options->helper ? (unsigned long)MS_ATIMES | MS_NODIRATIME : ~0UL);
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
        return complain(complaint, -error, "option '%s' cannot be had at %s: %s", word,
                        change->where, strerror(-error));
    }
}

static int add_live(struct change *change, const char *word, struct complaint *complaint)
{
    int error = check_live(change, word, complaint);

    if (!error && option_add_line(&change->lines, word, NULL) != 0)
        error = complain(complaint, ENOMEM, "option '%s': %s", word, strerror(ENOMEM));
    return error;
}

static int take_size(struct change *change, const char *word, struct complaint *complaint)
{
    char size[48];

    (void)word;
    snprintf(size, sizeof(size), "size=%llu", (unsigned long long)change->options->ram.size);
    return add_live(change, size, complaint);
}

/* The top directory of a mount without a store is the root, which has a mode and an owner of its
 * own by now; others have had theirs since they were made. */
static int take_top(struct change *change, const char *word, struct complaint *complaint)
{
    const struct ram_options *ram = &change->options->ram;
    CLEANUP_FREE struct shmap_status *status = malloc(sizeof(*status));
    struct stat root;
    bool same;

    if (!status || shmap_status_get(change->where, status) != 0 || stat(change->where, &root) != 0)
        return complain(complaint, EIO, "the shmapfs at %s does not tell its state", change->where);
    same = *word == 'm'   ? ram->mode == (root.st_mode & 07777)
           : *word == 'u' ? ram->uid == root.st_uid
                          : ram->gid == root.st_gid;
    if (*status->store || same)
        return 0;
    return complain(complaint, EOPNOTSUPP, "option '%s' is for a mount that begins; write: %s %s",
                    word,
                    *word == 'm'   ? "chmod MODE"
                    : *word == 'u' ? "chown USER"
                                   : "chgrp GROUP",
                    change->where);
}

static int take_anon(struct change *change, const char *word, struct complaint *complaint)
{
    CLEANUP_FREE char *names = strdup(change->options->anon);
    char *rest = names;
    const char *name;

    (void)word;
    while (names && (name = strsep(&rest, ":"))) {
        enum shmap_class class;
        char path[2 * PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", change->where, name);
        if (shmap_class_get(path, &class) != 0 || class != SHMAP_ANON)
            return complain(complaint, EOPNOTSUPP,
                            "option 'anon=%s' is for a mount that begins; make the directory "
                            "anonymous with: shmapctl class %s anon",
                            name, path);
    }
    return 0;
}

/* The word is in the mount table if it is in force. */
static int take_shown(struct change *change, const char *word, struct complaint *complaint)
{
    return strstr(change->shown, word) ? 0 : complain_of_fixed(change, word, complaint);
}

static int pass_over(struct change *change, const char *word, struct complaint *complaint)
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
    { "remount", pass_over },     { "takeover", pass_over },     { "fsname", pass_over },
    { "context", pass_over },     { "fscontext", pass_over },    { "defcontext", pass_over },
    { "rootcontext", pass_over }, { "size", take_size },         { "nr_blocks", take_size },
    { "mode", take_top },         { "uid", take_top },           { "gid", take_top },
    { "anon", take_anon },        { "allow_other", take_shown }, { "dirsync", take_shown },
};

static bool is_word(const char *word, const char *name)
{
    size_t length = strlen(name);

    return strncmp(word, name, length) == 0 && (word[length] == '\0' || word[length] == '=');
}

static int take_word(struct change *change, const char *word, struct complaint *complaint)
{
    for (size_t i = 0; i < COUNT(FLAGS); i++) {
        if (!is_word(word, FLAGS[i].name))
            continue;
        change->wanted = (change->wanted & ~FLAGS[i].clear) | FLAGS[i].set;
        return 0;
    }
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
    const unsigned long changed = change->flags ^ change->wanted;
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
    int error = 0;

    for (size_t i = 0; !error && i < COUNT(words); i++)
        error = words[i].wanted ? add_live(change, words[i].word, complaint) : 0;
    return error;
}

static int check_flags(struct change *change, struct complaint *complaint)
{
    if (change->of_user)
        change->wanted |= MS_NOSUID | MS_NODEV;
    if (change->wanted == change->flags)
        return 0;
    if (geteuid() != 0)
        return complain(complaint, EPERM,
                        "only root can change the flags of the mount at %s, such as ro and noexec; "
                        "unmount it, and mount it anew",
                        change->where);
    return follow_flags(change, complaint);
}

static int set_flags(const struct change *change, unsigned long flags)
{
    return mount(NULL, change->where, NULL, MS_REMOUNT | flags, NULL) == 0 ? 0 : -errno;
}

static int complain_of_daemon(const struct change *change, int error, struct complaint *complaint)
{
    char words[512];

    strlcpy(words, change->lines, sizeof(words));
    for (char *at = words; (at = strchr(at, '\n')); at++)
        *at = ',';
    return complain(complaint, -error, "options '%s' cannot be had at %s: %s%s", words,
                    change->where, strerror(-error),
                    error == -EINVAL ? "; no limit can be less than what is in use" : "");
}

/* The flags come first: they can be set back. */
static int apply(const struct change *change, struct complaint *complaint)
{
    bool flags = change->wanted != change->flags;
    int error = flags ? set_flags(change, change->wanted) : 0;

    if (error == -EBUSY)
        return complain(complaint, EBUSY,
                        "MOUNTPOINT %s is busy: files are open for writing; see: shmapctl ls %s",
                        change->where, change->where);
    if (error)
        return complain(complaint, -error, "the flags of the mount at %s cannot be changed: %s",
                        change->where, strerror(-error));
    error = change->lines ? shmap_options_change(change->where, change->lines, false) : 0;
    if (error && flags)
        set_flags(change, change->flags);
    if (error)
        return complain_of_daemon(change, error, complaint);
    // The kernel forgets the names that nobody uses, and so for how long it was to trust them.
    if (change->lines && geteuid() == 0)
        set_flags(change, change->wanted);
    return 0;
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
        error = apply(&change, complaint);
    free(change.lines);
    free(change.shown);
    return error;
}
