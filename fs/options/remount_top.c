// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/remount_top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct top_option {
    const char *shown;   // in a status
    const char *mounter; // in the mount table: what holds where it is not shown; NULL: nothing
    int base;
    const char *instead;
} TOP_OPTIONS[] = {
    { ",mode=", NULL, 8, "chmod MODE" },
    { ",uid=", "user_id=", 10, "chown USER" },
    { ",gid=", "group_id=", 10, "chgrp GROUP" },
};

static bool began_with(const struct shmap_status *status, const char *shown,
                       const struct top_option *option, unsigned value)
{
    const char *at = strstr(status->options, option->shown);

    if (!at && option->mounter)
        at = strstr(shown, option->mounter);
    return at && strtoul(strchr(at, '=') + 1, NULL, option->base) == value;
}

/* They may have had another mode or owner since then, which a line of fstab does not take back. */
int remount_top_check(const struct ram_options *ram, const char *word,
                      const struct shmap_status *status, const char *shown,
                      struct complaint *complaint)
{
    const size_t which = *word == 'm' ? 0 : *word == 'u' ? 1 : 2;
    const struct top_option *option = &TOP_OPTIONS[which];
    const unsigned wanted[] = { ram->mode, ram->uid, ram->gid };
    const char *where = status->mountpoint;
    struct stat root;

    if (began_with(status, shown, option, wanted[which]))
        return 0;
    if (*status->store)
        return complain(complaint, EOPNOTSUPP,
                        "option '%s' is for directories that a mount makes when it begins; write: "
                        "%s DIRECTORY",
                        word, option->instead);
    if (stat(where, &root) != 0)
        return complain(complaint, EIO, "the shmapfs at %s does not tell its state", where);
    if (wanted[which] ==
        (const unsigned[]){ root.st_mode & 07777, root.st_uid, root.st_gid }[which])
        return 0;
    return complain(complaint, EOPNOTSUPP, "option '%s' is for a mount that begins; write: %s %s",
                    word, option->instead, where);
}
