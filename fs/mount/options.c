// SPDX-License-Identifier: BSD-2-Clause
#include "fs/mount/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fs/inode/volume.h"
#include "lib/sys/cleanup.h"

/* One option of -o. */
struct option_row {
    const char *name;
    const char *value; // what a value must look like; NULL: it takes none
    const char *help;  // NULL: a word of mount(8)'s own
    int (*set)(struct options *options, const char *value);
};

static int set_size(struct options *options, const char *value)
{
    return ram_parse_size(value, &options->ram.size);
}

static int set_inodes(struct options *options, const char *value)
{
    return strchr(value, '%') ? -EINVAL : shmap_size_parse(value, 0, &options->ram.inodes);
}

static int set_huge(struct options *options, const char *value)
{
    static const char *const words[] = { "never", "always", "within_size", "advise" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(value, words[i]) == 0) {
            options->ram.huge = words[i];
            return 0;
        }
    }
    return -EINVAL;
}

static int set_mode(struct options *options, const char *value)
{
    size_t length = strlen(value);

    if (length == 0 || length > 5 || strspn(value, "01234567") != length)
        return -EINVAL;
    options->ram.mode = (mode_t)strtoul(value, NULL, 8);
    options->ram_mode_given = true;
    return options->ram.mode <= 07777 ? 0 : -ERANGE;
}

static int set_anon(struct options *options, const char *value)
{
    free(options->anon);
    options->anon = strdup(value);
    return !options->anon ? -ENOMEM : *value == '\0' ? -EINVAL : 0;
}

static int set_number(const char *value, unsigned low, unsigned high, unsigned *number)
{
    const char *wrong;
    long long parsed = strtonum(value, low, high, &wrong);

    if (wrong)
        return -EINVAL;
    *number = (unsigned)parsed;
    return 0;
}

static int set_timeout(struct options *options, const char *value)
{
    return set_number(value, 0, 1000000000, &options->timeout);
}

static int set_descriptors(struct options *options, const char *value)
{
    return set_number(value, 16, 100000000, &options->descriptors);
}

#define FLAG_SETTER(name, field, state)                         \
    static int name(struct options *options, const char *value) \
    {                                                           \
        (void)value;                                            \
        options->field = (state);                               \
        return 0;                                               \
    }
FLAG_SETTER(set_noswap, ram.noswap, true)
FLAG_SETTER(set_nopassthrough, passthrough, false)
FLAG_SETTER(set_writeback, writeback, true)
FLAG_SETTER(set_io_uring, io_uring, true)
FLAG_SETTER(set_nokeeper, keeper, false)
FLAG_SETTER(set_takeover, takeover, true)
FLAG_SETTER(set_ro, read_only, true)
FLAG_SETTER(set_rw, read_only, false)
FLAG_SETTER(set_suid, suid, true)
FLAG_SETTER(set_nosuid, suid, false)
FLAG_SETTER(set_dev, dev, true)
FLAG_SETTER(set_nodev, dev, false)
FLAG_SETTER(set_exec, noexec, false)
FLAG_SETTER(set_noexec, noexec, true)
FLAG_SETTER(set_dirsync, dirsync, true)
FLAG_SETTER(set_sync, sync, true)
FLAG_SETTER(set_async, sync, false)

static int set_keeper(struct options *options, const char *value)
{
    (void)value;
    options->keeper = options->keeper_given = true;
    return 0;
}

/* The three policies are values of one field of mount attributes; atime for directories is a flag
 * of its own. */
static int set_atime_policy(struct options *options, uint64_t policy)
{
    options->atime.clear |= MOUNT_ATTR__ATIME;
    options->atime.set = (options->atime.set & ~(uint64_t)MOUNT_ATTR__ATIME) | policy;
    return 0;
}

static int set_noatime(struct options *options, const char *value)
{
    (void)value;
    return set_atime_policy(options, MOUNT_ATTR_NOATIME);
}

static int set_relatime(struct options *options, const char *value)
{
    (void)value;
    return set_atime_policy(options, MOUNT_ATTR_RELATIME);
}

static int set_strictatime(struct options *options, const char *value)
{
    (void)value;
    return set_atime_policy(options, MOUNT_ATTR_STRICTATIME);
}

static int set_nodiratime(struct options *options, const char *value)
{
    (void)value;
    options->atime.set |= MOUNT_ATTR_NODIRATIME;
    return 0;
}

/* Words that mean something to mount(8), fstab or systemd only. */
static int ignore(struct options *options, const char *value)
{
    (void)options;
    (void)value;
    return 0;
}

static const struct option_row ROWS[] = {
    { "size", "a number with k, m, g or t, or a percentage of RAM like 50%, at least one page",
      "size=SIZE         limit of the RAM area: bytes, k, m, g, t or % of RAM (50%)", set_size },
    { "nr_inodes", "a number of at least 1, with or without k, m, g or t",
      "nr_inodes=N       limit of its files", set_inodes },
    { "huge", "never, always, within_size or advise",
      "huge=WORD         its huge pages: never, always, within_size, advise (within_size)",
      set_huge },
    { "mode", "an octal number up to 7777", "mode=OCTAL        mode of its top directories (1777)",
      set_mode },
    { "noswap", NULL, "noswap            never swap it out", set_noswap },
    { "anon", "names of directories below STORE with a colon between",
      "anon=NAME[:NAME…] directories of STORE whose contents are anonymous; made if need be",
      set_anon },
    { "nopassthrough", NULL, "nopassthrough     keep the data path out of the kernel's passthrough",
      set_nopassthrough },
    { "writeback", NULL,
      "writeback         without passthrough: hold writes back in the page cache; faster, but a full\n"
      "                    area is an error of close(2) or fsync(2) instead of write(2)",
      set_writeback },
    { "io_uring", NULL,
      "io_uring          talk to the kernel over io_uring where it allows that; the mount then does\n"
      "                    not survive the death of the process that serves it",
      set_io_uring },
    { "nokeeper", NULL,
      "nokeeper          serve in one process, which the mount does not survive; for debugging",
      set_nokeeper },
    { "keeper", NULL,
      "keeper            with -f: serve as without it, the keeper in the foreground", set_keeper },
    { "takeover", NULL,
      "takeover          where a shmapfs of the same service is mounted already: upgrade it to this\n"
      "                    binary and leave; take away a dead one",
      set_takeover },
    { "timeout", "a number of seconds from 0 to 1000000000",
      "timeout=SECONDS   how long the kernel trusts names and attributes (86400); less only\n"
      "                    where somebody changes STORE behind the mount",
      set_timeout },
    { "descriptors", "a number from 16 to 100000000",
      "descriptors=N     how many files are kept at hand with a descriptor (10000)",
      set_descriptors },
    { "ro", NULL, NULL, set_ro },
    { "rw", NULL, NULL, set_rw },
    { "suid", NULL, NULL, set_suid },
    { "nosuid", NULL, NULL, set_nosuid },
    { "dev", NULL, NULL, set_dev },
    { "nodev", NULL, NULL, set_nodev },
    { "exec", NULL, NULL, set_exec },
    { "noexec", NULL, NULL, set_noexec },
    { "sync", NULL, NULL, set_sync },
    { "async", NULL, NULL, set_async },
    { "dirsync", NULL, NULL, set_dirsync },
    { "noatime", NULL, NULL, set_noatime },
    { "atime", NULL, NULL, set_relatime },
    { "relatime", NULL, NULL, set_relatime },
    { "strictatime", NULL, NULL, set_strictatime },
    { "nodiratime", NULL, NULL, set_nodiratime },
    { "diratime", NULL, NULL, ignore },
    { "defaults", NULL, NULL, ignore },
    { "auto", NULL, NULL, ignore },
    { "noauto", NULL, NULL, ignore },
    { "user", NULL, NULL, ignore },
    { "nouser", NULL, NULL, ignore },
    { "users", NULL, NULL, ignore },
    { "owner", NULL, NULL, ignore },
    { "group", NULL, NULL, ignore },
    { "nofail", NULL, NULL, ignore },
    { "_netdev", NULL, NULL, ignore },
};
#define ROW_COUNT (sizeof(ROWS) / sizeof(ROWS[0]))

/* Said so for compilers that otherwise take `text` for a null pointer's. */
__attribute__((nonnull)) static int complain_of_unknown(const char *name,
                                                        struct complaint *complaint)
{
    complain(complaint, EINVAL, "unknown option '%s'; the options are", name);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (ROWS[i].set == ignore)
            continue;
        strlcat(complaint->text, i ? ", " : " ", sizeof(complaint->text));
        strlcat(complaint->text, ROWS[i].name, sizeof(complaint->text));
        strlcat(complaint->text, ROWS[i].value ? "=" : "", sizeof(complaint->text));
    }
    return -EINVAL;
}

static int set_option(struct options *options, const char *name, const char *value,
                      struct complaint *complaint)
{
    const struct option_row *row = NULL;
    int error;

    if (strncmp(name, "x-", 2) == 0 || (strcmp(name, "comment") == 0 && value))
        return 0;
    for (size_t i = 0; i < ROW_COUNT && !row; i++)
        row = strcmp(ROWS[i].name, name) == 0 ? &ROWS[i] : NULL;
    if (!row)
        return complain_of_unknown(name, complaint);
    if (value && !row->value)
        return complain(complaint, EINVAL, "option '%s' takes no value, but was given '%s'", name,
                        value);
    if (!value && row->value)
        return complain(complaint, EINVAL, "option '%s' needs a value: %s", name, row->value);
    error = row->set(options, value);
    if (error)
        return complain(complaint, EINVAL, "option '%s=%s' is %s; it takes %s", name, value,
                        error == -ERANGE ? "out of range" : "malformed", row->value);
    return 0;
}

static int set_options(struct options *options, const char *list, struct complaint *complaint)
{
    CLEANUP_FREE char *copy = strdup(list);
    char *rest = copy;
    char *word;
    int error = copy ? 0 : -ENOMEM;

    while (!error && (word = strsep(&rest, ","))) {
        char *value = strchr(word, '=');

        if (*word == '\0')
            continue;
        if (value)
            *value++ = '\0';
        error = set_option(options, word, value, complaint);
    }
    return error;
}

static int set_directories(struct options *options, char **words, int count, bool for_mount,
                           struct complaint *complaint)
{
    static const char usage[] =
        "usage: shmapfs [STORE] MOUNTPOINT [-o option,…] [-f]; --help tells more";

    if (count < 1 || count > 2 || (for_mount && count != 2))
        return complain(complaint, EINVAL, "%s; %s",
                        count < 1   ? "MOUNTPOINT is missing"
                        : count > 2 ? "too many arguments"
                                    : "a source (STORE, or none) and a MOUNTPOINT are wanted",
                        usage);
    options->mountpoint = words[count - 1];
    options->store = count == 2 ? words[0] : NULL;
    if (for_mount &&
        (strcmp(options->store, "none") == 0 || strcmp(options->store, "shmapfs") == 0))
        options->store = NULL;
    if (*options->mountpoint == '\0' || (options->store && *options->store == '\0'))
        return complain(complaint, EINVAL, "an empty word is not a directory; %s", usage);
    if (options->anon && !options->store)
        return complain(complaint, EINVAL,
                        "option 'anon' needs a STORE; without one everything is anonymous");
    return 0;
}

static void set_defaults(struct options *options)
{
    *options = (struct options){
        .passthrough = true, .keeper = true, .timeout = TIMEOUT_DEFAULT, .descriptors = 10000
    };
    options->ram.huge = "within_size";
    options->ram.mode = 01777;
    set_size(options, "50%");
}

static void settle_keeper(struct options *options)
{
    if (options->io_uring || (options->foreground && !options->keeper_given))
        options->keeper = false;
}

int options_parse(int argc, char **argv, struct options *options, struct complaint *complaint)
{
    static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'V' },
                                           { NULL, 0, NULL, 0 } };
    const char *slash = strrchr(argv[0], '/');
    bool for_mount = strncmp(slash ? slash + 1 : argv[0], "mount.", 6) == 0;
    int error = 0;
    int letter;

    set_defaults(options);
    opterr = 0;
    // -n, -s, -v and -t are what mount(8) may pass to its helpers.
    while (!error && (letter = getopt_long(argc, argv, ":o:fhVnsvt:N:", longs, NULL)) != -1) {
        switch (letter) {
        case 'o':
            error = set_options(options, optarg, complaint);
            break;
        case 'f':
            options->foreground = true;
            break;
        case 'h':
            options->help = true;
            return 0;
        case 'V':
            options->version = true;
            return 0;
        case ':':
            error = complain(complaint, EINVAL, "%s needs a value; --help tells more",
                             argv[optind - 1]);
            break;
        case '?':
            error =
                complain(complaint, EINVAL, "unknown argument '%s'; --help tells the valid ones",
                         argv[optind - 1]);
            break;
        case 'N':
            error = complain(complaint, EINVAL,
                             "-N, a mount in another namespace, is not done; use nsenter(1)");
            break;
        default:
            break;
        }
    }
    if (!error)
        error = set_directories(options, argv + optind, argc - optind, for_mount, complaint);
    options->ram.atime = options->atime;
    settle_keeper(options);
    return error;
}

void options_print_help(FILE *stream)
{
    fputs("usage: shmapfs [STORE] MOUNTPOINT [-o option,…] [-f]\n"
          "Files that any number of programs share as memory through ordinary paths.\n\n"
          "  STORE             directory on disk that keeps the files; without it all is RAM\n"
          "  MOUNTPOINT        empty directory where they appear\n"
          "  -o option,…       options, below\n"
          "  -f                stay in the foreground, as one process; for debugging\n"
          "  --help, --version\n\nOptions:\n",
          stream);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (ROWS[i].help)
            fprintf(stream, "  %s\n", ROWS[i].help);
    }
    fputs("  ro, suid, dev, noexec, sync, dirsync, noatime, relatime, strictatime, nodiratime and\n"
          "  their opposites as in mount(8); nosuid and nodev are the default\n",
          stream);
}
