// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/remount_flags.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

/* Returns whether a word is in a list with commas. */
static bool is_shown(const char *list, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* statvfs(3) tells the flags of the mount and of its filesystem as one, but a mount can be
 * read-only while others of the same filesystem are not. strictatime is that none of the others is
 * there. */
int remount_flags_read(const char *path, const char *shown, struct remount_flags *flags)
{
    static const struct {
        unsigned long shown, flag;
    } known[] = {
        { ST_NOSUID, MS_NOSUID },
        { ST_NODEV, MS_NODEV },
        { ST_NOEXEC, MS_NOEXEC },
        { ST_NOATIME, MS_NOATIME },
        { ST_NODIRATIME, MS_NODIRATIME },
        { ST_RELATIME, MS_RELATIME },
        { 0x2000 /* ST_NOSYMFOLLOW */, MS_NOSYMFOLLOW },
    };
    bool read_only = is_shown(shown, "ro");
    struct statvfs vfs;

    if (statvfs(path, &vfs) != 0)
        return -errno;
    flags->own_read_only = vfs.f_flag & ST_RDONLY && !read_only;
    flags->all = (read_only ? MS_RDONLY : 0UL) | (is_shown(shown, "sync") ? MS_SYNCHRONOUS : 0UL);
    for (size_t i = 0; i < COUNT(known); i++)
        flags->all |= vfs.f_flag & known[i].shown ? known[i].flag : 0;
    flags->all |= flags->all & MS_ATIMES ? 0 : MS_STRICTATIME;
    return 0;
}

bool remount_flags_take(const char *word, unsigned long *flags)
{
    for (size_t i = 0; i < COUNT(FLAGS); i++) {
        if (strcmp(word, FLAGS[i].name) == 0) {
            *flags = (*flags & ~FLAGS[i].clear) | FLAGS[i].set;
            return true;
        }
    }
    return false;
}

int remount_flags_set(const char *path, unsigned long flags, bool own_read_only)
{
    struct mount_attr own = { .attr_set = MOUNT_ATTR_RDONLY };

    // This takes what is the filesystem's, and what is the mount's own, from the same flags.
    if (mount(NULL, path, NULL, MS_REMOUNT | flags, NULL) != 0)
        return -errno;
    if (own_read_only && mount_setattr(AT_FDCWD, path, 0, &own, sizeof(own)) != 0)
        return -errno;
    return 0;
}
