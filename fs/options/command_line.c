// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/inode/volume.h"
#include "fs/options/foreign_words.h"
#include "fs/options/option_table.h"
#include "lib/sys/cleanup.h"

static int complain_of_unknown(const char *name, struct complaint *complaint)
{
    const char *advice = foreign_word_advice(name);
    const char *nearest = advice ? NULL : foreign_word_nearest(name);

    if (advice)
        return complain(complaint, EINVAL, "option '%s' is not for shmapfs: %s", name, advice);
    if (nearest)
        return complain(complaint, EINVAL, "unknown option '%s'; did you mean '%s'?", name,
                        nearest);
    return complain(complaint, EINVAL, "unknown option '%s'; shmapfs --help lists the options",
                    name);
}

static int set_option(struct options *options, const char *name, const char *value,
                      struct complaint *complaint)
{
    const struct option_row *row;
    int error;

    if (foreign_word_is_passed_over(name) ||
        (options->remount && foreign_word_is_the_kernels(name)))
        return 0;
    row = option_find(name);
    if (!row)
        return options->sloppy ? 0 : complain_of_unknown(name, complaint);
    if (value && !row->value)
        return complain(complaint, EINVAL, "option '%s' takes no value, but was given '%s'", name,
                        value);
    if (!value && row->value)
        return complain(complaint, EINVAL, "option '%s' needs a value: %s", name, row->value);
    error = row->set(options, row, value);
    if (error == -ENOMEM)
        return complain(complaint, ENOMEM, "option '%s': %s", name, strerror(ENOMEM));
    if (error)
        return complain(complaint, EINVAL, "option '%s=%s' is %s; it takes %s", name, value,
                        error == -ERANGE ? "out of range" : "malformed", row->value);
    return option_add_line(&options->given, name, value);
}

/* Cuts the next word off a list. A comma is part of it between quotes, as in an SELinux context,
 * and before a further node of tmpfs' mpol=. */
static char *next_word(char **rest)
{
    char *word = *rest;
    bool is_mpol = word && strncmp(word, "mpol=", 5) == 0;
    bool quoted = false;

    for (char *at = word; at && *at; at++) {
        quoted ^= *at == '"';
        if (*at != ',' || quoted || (is_mpol && at[1] >= '0' && at[1] <= '9'))
            continue;
        *at = '\0';
        *rest = at + 1;
        return word;
    }
    *rest = NULL;
    return word;
}

static bool is_given(const char *list, const char *wanted)
{
    CLEANUP_FREE char *copy = strdup(list);
    char *rest = copy;
    const char *word;

    while ((word = next_word(&rest))) {
        if (strcmp(word, wanted) == 0)
            return true;
    }
    return false;
}

static int set_options(struct options *options, const char *list, struct complaint *complaint)
{
    CLEANUP_FREE char *copy = strdup(list);
    char *rest = copy;
    char *word;
    int error = copy ? 0 : -ENOMEM;

    // It may stand behind words that mean something else then.
    options->remount = is_given(list, "remount");
    while (!error && (word = next_word(&rest))) {
        char *value = strchr(word, '=');

        if (*word == '\0')
            continue;
        if (value)
            *value++ = '\0';
        error = set_option(options, word, value, complaint);
    }
    return error;
}

/* Returns whether the first field of fstab stands for a mount without a store. */
static bool names_no_store(const char *source)
{
    // The last one is what a line for a tmpfs has.
    static const char *const names[] = { "none", "shmapfs", "tmpfs" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(source, names[i]) == 0)
            return true;
    }
    return false;
}

/* Checks the options about commits. */
static int check_commit_options(const struct options *options, struct complaint *complaint)
{
    const char *name = options->atomic ? "atomic" : options->checkpoint ? "checkpoint" : NULL;

    if (name && !options->store)
        return complain(complaint, EINVAL,
                        "option '%s' needs a STORE, which is where files are committed", name);
    if (name && options->writeback)
        return complain(complaint, EINVAL,
                        "option '%s' cannot be had with writeback, with which the kernel commits "
                        "nothing; leave writeback out",
                        name);
    if (options->log_size != LOG_SIZE_DEFAULT && !options->store)
        return complain(complaint, EINVAL,
                        "option 'log' needs a STORE, which is where the journal is");
    return 0;
}

/* Checks the options of a mount whose store other hosts mount, too. */
static int check_hosts_options(const struct options *options, struct complaint *complaint)
{
    const struct {
        bool given;
        const char *name, *reason;
    } wrong[] = {
        { options->writeback, "writeback", "the page cache of FUSE would hide what others write" },
        { !options->passthrough, "nopassthrough",
          "the page cache of FUSE would hide what others write" },
        { options->io_uring, "io_uring",
          "nothing that waits for a lock could be interrupted over it" },
        { options->atomic, "atomic", "a journal is of one host" },
        { options->checkpoint, "checkpoint", "a journal is of one host" },
        { options->scratch, "scratch", "it would be emptied while others use it" },
        { options->skeleton, "skeleton", "anonymous directories are of each host alone" },
    };

    if (options->hosts != HOSTS_SEVERAL && options->keep_alive != KEEP_ALIVE_DEFAULT)
        return complain(complaint, EINVAL,
                        "option 'keepalive' is for a STORE of several hosts; give shared as well");
    if (options->hosts != HOSTS_SEVERAL)
        return 0;
    if (!options->store)
        return complain(complaint, EINVAL,
                        "option 'shared' needs a STORE, which is what other hosts mount, too");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (wrong[i].given)
            return complain(complaint, EINVAL,
                            "option '%s' cannot be had with shared: %s; leave it out",
                            wrong[i].name, wrong[i].reason);
    }
    return 0;
}

/* Checks the options that depend on whether there is a STORE. */
static int check_store_options(const struct options *options, struct complaint *complaint)
{
    int error;

    if (options->anon && !options->store)
        return complain(complaint, EINVAL,
                        "option 'anon' needs a STORE; without one everything is anonymous");
    if (options->scratch && !options->store)
        return complain(complaint, EINVAL,
                        "option 'scratch' needs a STORE, which is where the contents are");
    if (options->linger_given && !options->last_close)
        return complain(complaint, EINVAL,
                        "option 'linger' is for files that go with their last user; give "
                        "lifetime=last-close as well");
    if (options->last_close && options->store && !options->anon)
        return complain(complaint, EINVAL,
                        "option 'lifetime=last-close' is for anonymous directories; name them with "
                        "anon=, or leave STORE out");
    if (options->skeleton && !options->store)
        return complain(complaint, EINVAL,
                        "option 'skeleton' needs a STORE, which is where directories are kept");
    if (options->fsname && options->store)
        return complain(complaint, EINVAL,
                        "option 'fsname' is for mounts without a STORE; leave it out: the source "
                        "in the mount table is STORE");
    error = check_hosts_options(options, complaint);
    return error ? error : check_commit_options(options, complaint);
}

/* With other hosts the kernel may trust names for as long as a user waits without a thought. */
static void choose_timeout(struct options *options)
{
    if (options->timeout == TIMEOUT_UNSAID)
        options->timeout = options->hosts == HOSTS_SEVERAL ? TIMEOUT_SHARED : TIMEOUT_DEFAULT;
}

static int set_directories(struct options *options, char **words, int count,
                           struct complaint *complaint)
{
    static const char usage[] =
        "usage: shmapfs [STORE] MOUNTPOINT [-o option,…] [-f]; --help tells more";

    if (count < 1 || count > 2 || (options->helper && count != 2))
        return complain(complaint, EINVAL, "%s; %s",
                        count < 1   ? "MOUNTPOINT is missing"
                        : count > 2 ? "too many arguments"
                                    : "mount(8) needs a source (STORE, or none) and a MOUNTPOINT",
                        usage);
    options->mountpoint = words[count - 1];
    options->store = count == 2 ? words[0] : NULL;
    if (options->helper && names_no_store(options->store)) {
        options->source = options->store;
        options->store = NULL;
    }
    if (*options->mountpoint == '\0' || (options->store && *options->store == '\0'))
        return complain(complaint, EINVAL, "the name of a directory cannot be empty; %s", usage);
    return options->remount ? 0 : check_store_options(options, complaint);
}

static void choose_keeper(struct options *options)
{
    if (options->io_uring || (options->foreground && !options->keeper_given))
        options->keeper = false;
}

/* Complains of what getopt_long(3) does not know: a word that begins with two dashes, which it has
 * passed, or a letter, maybe in the middle of a word. */
static int complain_of_argument(const char *passed, struct complaint *complaint)
{
    // A letter that is known stands for a long option here, which was given a value.
    if (optopt == 0 || optopt == 'h' || optopt == 'V')
        return complain(complaint, EINVAL, "unknown argument '%s'; --help tells the valid ones",
                        passed);
    return complain(complaint, EINVAL, "unknown argument '-%c'; --help tells the valid ones",
                    optopt);
}

/* Adds another -o to the list of options. */
static int add_list(char **list, const char *more)
{
    char *longer;

    if (asprintf(&longer, "%s,%s", *list ? *list : "", more) < 0)
        return -ENOMEM;
    free(*list);
    *list = longer;
    return 0;
}

/* Takes an argument that getopt_long(3) has found. */
static int take_argument(int letter, char **argv, struct options *options, char **list,
                         struct complaint *complaint)
{
    switch (letter) {
    case 'o':
        return add_list(list, optarg);
    case 'f':
        *(options->helper ? &options->fake : &options->foreground) = true;
        return 0;
    case 's':
        options->sloppy = true;
        return 0;
    case 'N':
        options->mounts_in = optarg;
        return 0;
    case ':':
        return complain(complaint, EINVAL, "%s needs a value; --help tells more", argv[optind - 1]);
    case '?':
        return complain_of_argument(argv[optind - 1], complaint);
    default: // -n, -v and -t of mount(8) have nothing to say here.
        return 0;
    }
}

int command_line_parse(int argc, char **argv, struct options *options, struct complaint *complaint)
{
    static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'V' },
                                           { NULL, 0, NULL, 0 } };
    const char *slash = strrchr(argv[0], '/');
    CLEANUP_FREE char *list = NULL;
    int error = 0;
    int letter;

    option_set_defaults(options);
    options->helper = strncmp(slash ? slash + 1 : argv[0], "mount.", 6) == 0;
    // mount(8) leaves out what is the default of every other filesystem.
    options->suid = options->dev = options->helper && geteuid() == 0;
    opterr = 0;
    while (!error && (letter = getopt_long(argc, argv, ":o:fhVnsvt:N:", longs, NULL)) != -1) {
        options->help |= letter == 'h';
        options->version |= letter == 'V';
        if (options->help || options->version)
            return 0;
        error = take_argument(letter, argv, options, &list, complaint);
    }
    if (!error && list)
        error = set_options(options, list, complaint);
    if (!error)
        error = set_directories(options, argv + optind, argc - optind, complaint);
    if (error && !complaint->text[0])
        complain(complaint, -error, "the options cannot be read: %s", strerror(-error));
    options->ram.atime = options->atime;
    choose_keeper(options);
    choose_timeout(options);
    return error;
}

void command_line_print_help(FILE *stream)
{
    fputs("usage: shmapfs [STORE] MOUNTPOINT [-o option,…] [-f]\n"
          "Files that any number of programs share as memory through ordinary paths.\n\n"
          "  STORE             directory on disk that keeps the files; without it all is RAM\n"
          "  MOUNTPOINT        empty directory where they appear\n"
          "  -o option,…       options, below\n"
          "  -f                stay in the foreground, as one process; for debugging\n"
          "  --help, --version\n\nOptions:\n",
          stream);
    for (size_t i = 0; i < OPTION_ROW_COUNT; i++) {
        if (OPTION_ROWS[i].help)
            fprintf(stream, "  %s\n", OPTION_ROWS[i].help);
    }
    fputs("  ro, suid, dev, noexec, sync, dirsync, noatime, relatime, strictatime, nodiratime and\n"
          "  their opposites as in mount(8); nosuid and nodev are the default\n"
          "  nr_blocks=, mpol=, inode32, inode64, usrquota, grpquota and their limits as in "
          "tmpfs(5)\n",
          stream);
}
