// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/option_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fs/limit/share.h"

static int set_ram_size(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    return ram_parse_size(value, &options->ram.size);
}

static int set_ram_inodes(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    return strchr(value, '%') ? -EINVAL : shmap_size_parse(value, 0, &options->ram.inodes);
}

/* tmpfs' other name for the size: in pages. */
static int set_ram_blocks(struct options *options, const struct option_row *row, const char *value)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t blocks;
    int error = strchr(value, '%') ? -EINVAL : shmap_size_parse(value, 0, &blocks);

    (void)row;
    if (!error && blocks > INT64_MAX / page)
        error = -ERANGE;
    if (!error)
        options->ram.size = blocks * page;
    return error;
}

static int set_ram_parameter(struct options *options, const struct option_row *row,
                             const char *value)
{
    return value && *value == '\0' ? -EINVAL
                                   : option_add_line(&options->ram.parameters, row->name, value);
}

static int set_context(struct options *options, const struct option_row *row, const char *value)
{
    return *value == '\0' ? -EINVAL : option_add_line(&options->contexts, row->name, value);
}

static int set_ram_huge(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    for (size_t i = 0; i < RAM_HUGE_WORD_COUNT; i++) {
        if (strcmp(value, RAM_HUGE_WORDS[i]) == 0) {
            options->ram.huge = RAM_HUGE_WORDS[i];
            return 0;
        }
    }
    return -EINVAL;
}

static int set_ram_mode(struct options *options, const struct option_row *row, const char *value)
{
    size_t length = strlen(value);

    (void)row;
    if (length == 0 || length > 5 || strspn(value, "01234567") != length)
        return -EINVAL;
    options->ram.mode = (mode_t)strtoul(value, NULL, 8);
    return options->ram.mode <= 07777 ? 0 : -ERANGE;
}

static int set_text(char **text, const char *value)
{
    free(*text);
    *text = strdup(value);
    return !*text ? -ENOMEM : *value == '\0' ? -EINVAL : 0;
}

static int set_fsname(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    // The mount table would show it as a store of that path.
    return *value == '/' ? -EINVAL : set_text(&options->fsname, value);
}

static int set_names(struct options *options, const struct option_row *row, const char *value)
{
    return set_text((char **)(void *)((char *)options + row->flag), value);
}
#define NAMES(field) .set = set_names, .flag = offsetof(struct options, field)

static int set_log_size(struct options *options, const struct option_row *row, const char *value)
{
    int error = strchr(value, '%') ? -EINVAL : shmap_size_parse(value, 0, &options->log_size);

    (void)row;
    if (!error && (options->log_size < LOG_SIZE_MIN || options->log_size > LOG_SIZE_MAX))
        error = -ERANGE;
    return error;
}

static int set_last_close(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    options->lifetime_given = true;
    options->last_close = strcmp(value, "last-close") == 0;
    return options->last_close || strcmp(value, "mount") == 0 ? 0 : -EINVAL;
}

static int parse_within(const char *value, unsigned low, unsigned high, unsigned *number)
{
    const char *wrong;
    long long parsed = strtonum(value, low, high, &wrong);

    // strtonum(3) also takes a sign, and blanks before it.
    if (*value == '\0' || value[strspn(value, "0123456789")] != '\0')
        return -EINVAL;
    if (wrong)
        return -ERANGE;
    *number = (unsigned)parsed;
    return 0;
}

/* The highest id means that there is none. */
#define ID_MAX_GIVEN 4294967294U

static int set_uid(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    return parse_within(value, 0, ID_MAX_GIVEN, &options->ram.uid);
}

static int set_gid(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    return parse_within(value, 0, ID_MAX_GIVEN, &options->ram.gid);
}

static int set_timeout(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    return parse_within(value, 0, 1000000000, &options->timeout);
}

static int set_keep_alive(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    return parse_within(value, 0, 3600, &options->keep_alive);
}

static int set_descriptors(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    return parse_within(value, 16, 100000000, &options->descriptors);
}

static int set_linger(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    options->linger_given = true;
    return parse_within(value, 0, 86400, &options->linger);
}

static int set_watchdog(struct options *options, const struct option_row *row, const char *value)
{
    int error = parse_within(value, 0, 86400, &options->watchdog);

    (void)row;
    // A worker that hands its requests over takes none for a second.
    return error ? error : options->watchdog == 1 ? -ERANGE : 0;
}

static int set_user_descriptors(struct options *options, const struct option_row *row,
                                const char *value)
{
    char digits[8];
    size_t length = strlcpy(digits, value, sizeof(digits));

    (void)row;
    if (length >= sizeof(digits))
        return -EINVAL;
    if (length > 0 && digits[length - 1] == '%')
        digits[length - 1] = '\0';
    return parse_within(digits, 1, 100, &options->user_descriptors);
}

static int set_flag(struct options *options, const struct option_row *row, const char *value)
{
    (void)value;
    *(bool *)((char *)options + row->flag) = row->state;
    return 0;
}
#define FLAG(field, becomes) \
    .set = set_flag, .flag = offsetof(struct options, field), .state = (becomes)

static int set_hosts(struct options *options, const struct option_row *row, const char *value)
{
    (void)value;
    options->hosts = row->state ? HOSTS_SEVERAL : HOSTS_ONE;
    return 0;
}

static int set_keeper(struct options *options, const struct option_row *row, const char *value)
{
    (void)row;
    (void)value;
    options->keeper = options->keeper_given = true;
    return 0;
}

/* The three policies are values of one field of the mount attributes; access times of directories
 * have a flag of their own. */
static int set_atime_policy(struct options *options, const struct option_row *row,
                            const char *value)
{
    (void)value;
    options->atime.clear |= MOUNT_ATTR__ATIME;
    options->atime.set = (options->atime.set & ~(uint64_t)MOUNT_ATTR__ATIME) | row->atime;
    return 0;
}

static int set_diratime(struct options *options, const struct option_row *row, const char *value)
{
    (void)value;
    options->atime.set &= ~(uint64_t)MOUNT_ATTR_NODIRATIME;
    if (row->state)
        options->atime.set |= MOUNT_ATTR_NODIRATIME;
    options->atime.clear |= MOUNT_ATTR_NODIRATIME;
    return 0;
}

#define NAMES_FORM   "names of directories below STORE with a colon between"
#define ID_FORM      "a number from 0 to 4294967294"
#define QUOTA_FORM   "a number, with or without k, m or g"
#define CONTEXT_FORM "an SELinux context"

const struct option_row OPTION_ROWS[] = {
    { "size", "a number with k, m, g or t, or a percentage of RAM like 50%, at least one page",
      "size=SIZE         limit of the RAM area: bytes, k, m, g, t or % of RAM (50%)",
      .set = set_ram_size },
    { "nr_inodes", "a number of at least 1, with or without k, m, g or t",
      "nr_inodes=N       limit of its files (one for each page of size=)", .set = set_ram_inodes },
    { "huge", "never, always, within_size or advise",
      "huge=WORD         its huge pages: never, always, within_size, advise (within_size)",
      .set = set_ram_huge },
    { "mode", "an octal number up to 7777",
      "mode=OCTAL        mode of the directories that the options below make, and of the root of\n"
      "                    a mount without STORE (1777)",
      .set = set_ram_mode },
    { "uid", ID_FORM, "uid=UID           their owner (whoever mounts)", .set = set_uid },
    { "gid", ID_FORM, "gid=GID           their group (that of whoever mounts)", .set = set_gid },
    { "nr_blocks", "a number of pages, with or without k, m, g or t", NULL, .set = set_ram_blocks },
    { "mpol", "default, prefer:NODE, bind:NODES, interleave:NODES or local", NULL,
      .set = set_ram_parameter },
    { "inode32", NULL, NULL, .set = set_ram_parameter },
    { "inode64", NULL, NULL, .set = set_ram_parameter },
    { "quota", NULL, NULL, .set = set_ram_parameter, .kept = true },
    { "usrquota", NULL, NULL, .set = set_ram_parameter, .kept = true },
    { "grpquota", NULL, NULL, .set = set_ram_parameter, .kept = true },
    { "usrquota_block_hardlimit", QUOTA_FORM, NULL, .set = set_ram_parameter, .kept = true },
    { "usrquota_inode_hardlimit", QUOTA_FORM, NULL, .set = set_ram_parameter, .kept = true },
    { "grpquota_block_hardlimit", QUOTA_FORM, NULL, .set = set_ram_parameter, .kept = true },
    { "grpquota_inode_hardlimit", QUOTA_FORM, NULL, .set = set_ram_parameter, .kept = true },
    { "noswap", NULL, "noswap            never swap it out", FLAG(ram.noswap, true), .kept = true },
    { "reserve", NULL, "reserve           truncate finds room for what a file grows by, or fails",
      FLAG(ram.reserves, true), .kept = true },
    { "anon", NAMES_FORM,
      "anon=NAME[:NAME…] directories of STORE whose contents are anonymous; made if need be; with\n"
      "                    NAME:size=SIZE[:…] in a RAM area with a limit of its own",
      NAMES(anon) },
    { "scratch", NAMES_FORM,
      "scratch=NAME[:…]  directories of STORE whose contents are on its disk, and go with the\n"
      "                    mount; made if need be; with NAME:size=SIZE[:…] with a limit",
      NAMES(scratch) },
    { "atomic", NAMES_FORM,
      "atomic=NAME[:…]   directories of STORE whose files are as of their last commit after a "
      "crash",
      NAMES(atomic), .kept = true },
    { "checkpoint", NAMES_FORM,
      "checkpoint=NAME[:…]\n"
      "                    the same; what is not committed waits in RAM, and is saved now and then",
      NAMES(checkpoint), .kept = true },
    { "shared", NULL,
      "shared            other hosts mount STORE, too, from a filesystem that they share",
      .set = set_hosts, .state = true, .kept = true },
    { "noshared", NULL,
      "noshared          STORE is on a filesystem that other hosts reach, and this one alone uses "
      "it",
      .set = set_hosts, .kept = true },
    { "keepalive", "a number of seconds from 0 to 3600",
      "keepalive=SECONDS with shared: how often servers are asked about files in use (30)",
      .set = set_keep_alive, .kept = true },
    { "log", "a number with k, m, g or t, from 4m to 1t",
      "log=SIZE          what the journal of atomic= and checkpoint= may take in STORE (256m)",
      .set = set_log_size, .kept = true },
    { "lifetime", "last-close or mount",
      "lifetime=WORD     files in RAM go with their last user (last-close), or with the mount "
      "(mount)",
      .set = set_last_close },
    { "linger", "a number of seconds from 0 to 86400",
      "linger=SECONDS    with lifetime=last-close: so much later (0)", .set = set_linger },
    { "skeleton", NULL,
      "skeleton          directories, not files, in anonymous directories come back at the next "
      "mount",
      FLAG(skeleton, true), .kept = true },
    { "nopassthrough", NULL, "nopassthrough     keep the data path out of the kernel's passthrough",
      FLAG(passthrough, false), .kept = true },
    { "nobroker", NULL,
      "nobroker          leave the broker alone, which gives a user's mount passthrough",
      FLAG(broker, false), .kept = true },
    { "writeback", NULL,
      "writeback         without passthrough: hold writes back in the page cache; faster, "
      "but a full\n"
      "                    area is an error of close(2) or fsync(2) instead of write(2)",
      FLAG(writeback, true), .kept = true },
    { "io_uring", NULL,
      "io_uring          talk to the kernel over io_uring; refused where that is not allowed; "
      "the mount then\n"
      "                    does not survive the death of the process that serves it",
      FLAG(io_uring, true), .kept = true },
    { "nokeeper", NULL,
      "nokeeper          serve in one process, which the mount does not survive; for debugging",
      FLAG(keeper, false), .kept = true },
    { "keeper", NULL,
      "keeper            with -f: serve as without it, the keeper in the foreground",
      .set = set_keeper, .kept = true },
    { "noumount_ends", NULL, NULL, FLAG(umount_ends, false) },
    { "umount_ends", NULL,
      "umount_ends       end with the last unmount here, although other mount namespaces or open "
      "files\n"
      "                    have the mount",
      FLAG(umount_ends, true) },
    { "takeover", NULL,
      "takeover          where a shmapfs of the same service is mounted already: "
      "upgrade it to this\n"
      "                    binary and leave; take away a dead one",
      FLAG(takeover, true) },
    { "watchdog", "0 or a number of seconds from 2 to 86400",
      "watchdog=SECONDS  replace a serving process that takes no request for so long, although\n"
      "                    neither a disk nor a debugger holds it up (30); 0: never",
      .set = set_watchdog, .kept = true },
    { "timeout", "a number of seconds from 0 to 1000000000",
      "timeout=SECONDS   how long the kernel trusts names and attributes (86400); less only\n"
      "                    where somebody changes STORE behind the mount",
      .set = set_timeout },
    { "descriptors", "a number from 16 to 100000000",
      "descriptors=N     how many files are kept at hand with a descriptor (10000)",
      .set = set_descriptors, .kept = true },
    { "user_descriptors", "a percentage from 1 to 100, like 50%",
      "user_descriptors=PERCENT\n"
      "                    how many of its descriptors one user can keep it from closing (50%)",
      .set = set_user_descriptors, .kept = true },
    { "allow_other", NULL,
      "allow_other       a user's mount serves everybody, where /etc/fuse.conf allows it; root's "
      "does\n"
      "                    so anyway",
      FLAG(allow_other, true) },
    { "fsname", "a name that does not begin with a slash",
      "fsname=NAME       without STORE: the source that the mount table shows", .set = set_fsname },
    { "remount", NULL,
      "remount           change what is mounted at MOUNTPOINT, as far as that is possible",
      FLAG(remount, true) },
    { "ro", NULL, NULL, FLAG(read_only, true) },
    { "rw", NULL, NULL, FLAG(read_only, false) },
    { "suid", NULL, NULL, FLAG(suid, true) },
    { "nosuid", NULL, NULL, FLAG(suid, false) },
    { "dev", NULL, NULL, FLAG(dev, true) },
    { "nodev", NULL, NULL, FLAG(dev, false) },
    { "exec", NULL, NULL, FLAG(noexec, false) },
    { "noexec", NULL, NULL, FLAG(noexec, true) },
    { "sync", NULL, NULL, FLAG(sync, true) },
    { "async", NULL, NULL, FLAG(sync, false) },
    { "dirsync", NULL, NULL, FLAG(dirsync, true) },
    { "noatime", NULL, NULL, .set = set_atime_policy, .atime = MOUNT_ATTR_NOATIME },
    { "atime", NULL, NULL, .set = set_atime_policy, .atime = MOUNT_ATTR_RELATIME },
    { "relatime", NULL, NULL, .set = set_atime_policy, .atime = MOUNT_ATTR_RELATIME },
    { "strictatime", NULL, NULL, .set = set_atime_policy, .atime = MOUNT_ATTR_STRICTATIME },
    { "norelatime", NULL, NULL, .set = set_atime_policy, .atime = MOUNT_ATTR_RELATIME },
    { "nostrictatime", NULL, NULL, .set = set_atime_policy, .atime = MOUNT_ATTR_RELATIME },
    { "nodiratime", NULL, NULL, .set = set_diratime, .state = true },
    { "diratime", NULL, NULL, .set = set_diratime, .state = false },
    { "symfollow", NULL, NULL, FLAG(nosymfollow, false) },
    { "nosymfollow", NULL, NULL, FLAG(nosymfollow, true) },
    { "context", CONTEXT_FORM, NULL, .set = set_context },
    { "fscontext", CONTEXT_FORM, NULL, .set = set_context },
    { "defcontext", CONTEXT_FORM, NULL, .set = set_context },
    { "rootcontext", CONTEXT_FORM, NULL, .set = set_context },
};
const size_t OPTION_ROW_COUNT = sizeof(OPTION_ROWS) / sizeof(OPTION_ROWS[0]);

const struct option_row *option_find(const char *name)
{
    for (size_t i = 0; i < OPTION_ROW_COUNT; i++) {
        if (strcmp(OPTION_ROWS[i].name, name) == 0)
            return &OPTION_ROWS[i];
    }
    return NULL;
}
