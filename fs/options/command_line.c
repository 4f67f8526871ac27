// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

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

    if (foreign_word_is_passed_over(name))
        return 0;
    row = option_find(name);
    if (!row)
        return complain_of_unknown(name, complaint);
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
    return 0;
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

static int set_options(struct options *options, const char *list, struct complaint *complaint)
{
    CLEANUP_FREE char *copy = strdup(list);
    char *rest = copy;
    char *word;
    int error = copy ? 0 : -ENOMEM;

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

static int set_directories(struct options *options, char **words, int count, bool for_mount,
                           struct complaint *complaint)
{
    static const char usage[] =
        "usage: shmapfs [STORE] MOUNTPOINT [-o option,…] [-f]; --help tells more";

    if (count < 1 || count > 2 || (for_mount && count != 2))
        return complain(complaint, EINVAL, "%s; %s",
                        count < 1   ? "MOUNTPOINT is missing"
                        : count > 2 ? "too many arguments"
                                    : "mount(8) needs a source (STORE, or none) and a MOUNTPOINT",
                        usage);
    options->mountpoint = words[count - 1];
    options->store = count == 2 ? words[0] : NULL;
    if (for_mount &&
        (strcmp(options->store, "none") == 0 || strcmp(options->store, "shmapfs") == 0))
        options->store = NULL;
    if (*options->mountpoint == '\0' || (options->store && *options->store == '\0'))
        return complain(complaint, EINVAL, "the name of a directory cannot be empty; %s", usage);
    if (options->anon && !options->store)
        return complain(complaint, EINVAL,
                        "option 'anon' needs a STORE; without one everything is anonymous");
    if (options->fsname && options->store)
        return complain(complaint, EINVAL,
                        "option 'fsname' is for mounts without a STORE; leave it out: the source "
                        "in the mount table is STORE");
    return 0;
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

int command_line_parse(int argc, char **argv, struct options *options, struct complaint *complaint)
{
    static const struct option longs[] = { { "help", no_argument, NULL, 'h' },
                                           { "version", no_argument, NULL, 'V' },
                                           { NULL, 0, NULL, 0 } };
    const char *slash = strrchr(argv[0], '/');
    bool for_mount = strncmp(slash ? slash + 1 : argv[0], "mount.", 6) == 0;
    int error = 0;
    int letter;

    option_set_defaults(options);
    opterr = 0;
    // mount(8) may pass -n, -s, -v and -t to its helpers.
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
            error = complain_of_argument(argv[optind - 1], complaint);
            break;
        case 'N':
            error = complain(complaint, EINVAL,
                             "-N (mount in another namespace) is not supported; use nsenter(1)");
            break;
        default:
            break;
        }
    }
    if (!error)
        error = set_directories(options, argv + optind, argc - optind, for_mount, complaint);
    options->ram.atime = options->atime;
    choose_keeper(options);
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
