// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/foreign_words.h"

#include <string.h>
#include <strings.h>

#include "fs/options/option_table.h"

/* No word that is mistaken for another one is longer. */
#define WORD_MAX 32

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const PASSED_OVER[] = {
    "defaults",
    "auto",
    "noauto",
    "nofail",
    "_netdev",
    "user",
    "nouser",
    "users",
    "nousers",
    "owner",
    "noowner",
    "group",
    "nogroup",
    "comment",
    "silent",
    "loud",
    "mand",
    "nomand",
    "iversion",
    "noiversion",
    "lazytime",
    "nolazytime",
    // Always so, or without an effect here.
    "auto_unmount",
    "default_permissions",
};

static const struct {
    const char *name;
    const char *instead;
} ADVICE[] = {
    { "allow_root", "write allow_other,mode=0700 (with a STORE: chmod 0700 STORE), which lets in "
                    "its owner and root" },
    { "subtype", "leave it out: the type in the mount table is always fuse.shmapfs" },
    { "umask", "write mode= for the top directory; files have the modes that programs give them" },
    { "fmask", "leave it out: files have the modes that programs give them" },
    { "dmask", "write mode= for the top directory" },
    { "entry_timeout", "write timeout=SECONDS" },
    { "attr_timeout", "write timeout=SECONDS" },
    { "negative_timeout", "write timeout=SECONDS" },
    { "ac_attr_timeout", "write timeout=SECONDS" },
    { "max_read", "leave it out: the kernel chooses how much it reads at once" },
    { "max_write", "leave it out: the kernel is told how much it may write at once" },
    { "max_readahead", "leave it out: the kernel chooses how far it reads ahead" },
    { "nonempty", "leave it out, and choose an empty directory as the MOUNTPOINT" },
    { "direct_io", "leave it out: mappings take the page cache, and stay coherent with it" },
    { "kernel_cache", "leave it out: what the kernel may keep is always true" },
    { "auto_cache", "leave it out: what the kernel may keep is always true" },
    { "writeback_cache", "write writeback" },
    { "noforget", "leave it out: inode numbers stay as they are" },
    { "use_ino", "leave it out: inode numbers are those of the area" },
    { "fd", "leave it out: shmapfs opens /dev/fuse itself" },
    { "rootmode", "leave it out: it is that of the top directory, and mode= sets it" },
    { "user_id", "leave it out: it is that of whoever mounts; uid= sets the owner" },
    { "group_id", "leave it out: it is that of whoever mounts; gid= sets the group" },
    { "blkdev", "leave it out: there is no block device" },
    { "blksize", "leave it out: there is no block device" },
    { "setuid", "have that user mount: shmapfs started by a user serves with that user's rights" },
    { "drop_privileges", "leave it out: the daemon gives up what it does not need by itself" },
    { "debug", "write -f when calling shmapfs, and see docs/hacking.md" },
    { "X-mount.idmap", "leave it out: the kernel would not tell the daemon who calls" },
};

const char *foreign_word_advice(const char *name)
{
    for (size_t i = 0; i < COUNT(ADVICE); i++) {
        if (strcmp(name, ADVICE[i].name) == 0)
            return ADVICE[i].instead;
    }
    return NULL;
}

bool foreign_word_is_passed_over(const char *name)
{
    if (strncasecmp(name, "x-", 2) == 0)
        return foreign_word_advice(name) == NULL;
    for (size_t i = 0; i < COUNT(PASSED_OVER); i++) {
        if (strcmp(name, PASSED_OVER[i]) == 0)
            return true;
    }
    return false;
}

bool foreign_word_is_the_kernels(const char *name)
{
    static const char *const words[] = {
        "user_id", "group_id", "rootmode", "fd", "max_read", "blksize",
    };

    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcmp(name, words[i]) == 0)
            return true;
    }
    return false;
}

static size_t fewest(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Returns how many letters are to be put in, left out or replaced to make one word of the other
 * (Levenshtein's distance); upper and lower case count as the same. */
static size_t distance(const char *from, const char *to)
{
    size_t row[WORD_MAX + 1], length = strlen(to);

    for (size_t i = 0; i <= length; i++)
        row[i] = i;
    for (size_t j = 1; from[j - 1] != '\0'; j++) {
        size_t diagonal = row[0];

        row[0] = j;
        for (size_t i = 1; i <= length; i++) {
            size_t replaced = diagonal + (strncasecmp(&from[j - 1], &to[i - 1], 1) != 0);

            diagonal = row[i];
            row[i] = fewest(replaced, fewest(row[i], row[i - 1]) + 1);
        }
    }
    return row[length];
}

static void consider(const char *word, const char *name, const char **nearest, size_t *best)
{
    size_t found = strlen(word) <= WORD_MAX ? distance(name, word) : *best;

    if (found < *best) {
        *best = found;
        *nearest = word;
    }
}

const char *foreign_word_nearest(const char *name)
{
    const char *nearest = NULL;
    size_t length = strlen(name);
    // A third of the letters may be wrong; of a short word, one.
    size_t best = length <= WORD_MAX ? 2 + length / 6 : 0;

    for (size_t i = 0; i < OPTION_ROW_COUNT; i++)
        consider(OPTION_ROWS[i].name, name, &nearest, &best);
    for (size_t i = 0; i < COUNT(PASSED_OVER); i++)
        consider(PASSED_OVER[i], name, &nearest, &best);
    return nearest && strlen(nearest) >= best ? nearest : NULL;
}
