// SPDX-License-Identifier: BSD-2-Clause
/* The command line: each line of the input is an argument; if the first begins with "mount.", it is
 * the program's name. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fs/options/command_line.h"
#include "fs/options/option_table.h"
#include "tests/fuzz/fuzz.h"

#define ARGUMENTS_MAX 24
#define PROGRAM       "the-program"

static int parse(char **argv, int argc, struct options *options, struct complaint *complaint)
{
    memset(complaint, 0, sizeof(*complaint));
    optind = 0; /* starts getopt_long anew */
    return command_line_parse(argc, argv, options, complaint);
}

/* Cuts a text into arguments, in place. */
static int split(char *text, char **argv)
{
    static char program[] = PROGRAM;
    int argc = 0;
    if (strncmp(text, "mount.", 6) != 0)
        argv[argc++] = program;
    while (text != NULL && argc < ARGUMENTS_MAX) {
        char *line = strsep(&text, "\n");
        if (text != NULL || *line != '\0') /* an editor ends the last line, too */
            argv[argc++] = line;
    }
    argv[argc] = NULL;
    return argc;
}

static void check_complaint(const struct complaint *complaint)
{
    MUST(memchr(complaint->text, '\0', sizeof(complaint->text)) != NULL, "no end");
    MUST(complaint->text[0] != '\0', "no complaint");
    for (const char *at = complaint->text; *at != '\0'; at++)
        MUST((unsigned char)*at >= ' ' && *at != 0x7f, complaint->text);
    /* what is wrong is one of the arguments */
    static const char wrong[] = "unknown argument '" PROGRAM "'";
    MUST(strncmp(complaint->text, wrong, strlen(wrong)) != 0, complaint->text);
}

static void check_bounds(const struct options *options)
{
    static const char *const words[] = { "never", "always", "within_size", "advise" };
    bool known = false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        known = known || strcmp(options->ram.huge, words[i]) == 0;
    MUST(known, options->ram.huge);
    MUST(options->mountpoint != NULL && *options->mountpoint != '\0', "mountpoint");
    MUST(options->store == NULL || *options->store != '\0', "store");
    MUST(options->anon == NULL ||
             ((options->remount || options->store != NULL) && *options->anon != '\0'),
         "anon");
    MUST(options->ram.size >= (uint64_t)sysconf(_SC_PAGESIZE) && options->ram.size <= INT64_MAX,
         "size");
    MUST(options->ram.inodes <= INT64_MAX, "nr_inodes");
    MUST(options->ram.mode <= 07777, "mode");
    MUST(options->watchdog != 1 && options->watchdog <= 86400, "watchdog");
    MUST(options->timeout <= 1000000000, "timeout");
    MUST(options->descriptors >= 16 && options->descriptors <= 100000000, "descriptors");
    MUST(options->user_descriptors >= 1 && options->user_descriptors <= 100, "user_descriptors");
    MUST(!options->io_uring || !options->keeper, "keeper");
}

/* Prints what was read as a list of options that says the same. */
static char *print(const struct options *o)
{
    const struct {
        bool given;
        const char *word;
    } words[] = {
        { o->ram.noswap, "noswap" },
        { !o->passthrough, "nopassthrough" },
        { !o->broker, "nobroker" },
        { o->writeback, "writeback" },
        { o->io_uring, "io_uring" },
        { o->keeper_given, "keeper" },
        { !o->keeper, "nokeeper" },
        { o->takeover, "takeover" },
        { o->remount, "remount" },
        { o->read_only, "ro" },
        { o->suid, "suid" },
        { o->dev, "dev" },
        { o->noexec, "noexec" },
        { o->dirsync, "dirsync" },
        { o->sync, "sync" },
        { o->atime.clear & MOUNT_ATTR__ATIME &&
              (o->atime.set & MOUNT_ATTR__ATIME) == MOUNT_ATTR_RELATIME,
          "relatime" },
        { o->atime.clear && o->atime.set & MOUNT_ATTR_NOATIME, "noatime" },
        { o->atime.clear && o->atime.set & MOUNT_ATTR_STRICTATIME, "strictatime" },
        { o->atime.clear & MOUNT_ATTR_NODIRATIME && !(o->atime.set & MOUNT_ATTR_NODIRATIME),
          "diratime" },
        { o->atime.set & MOUNT_ATTR_NODIRATIME, "nodiratime" },
        { o->anon != NULL, "anon=" },
    };
    char *list;
    size_t size;
    FILE *out = open_memstream(&list, &size);
    MUST(out != NULL, "out of memory");
    fprintf(out,
            "size=%" PRIu64 ",huge=%s,mode=%o,watchdog=%u,timeout=%u,descriptors=%u,"
            "user_descriptors=%u%%",
            o->ram.size, o->ram.huge, o->ram.mode, o->watchdog, o->timeout, o->descriptors,
            o->user_descriptors);
    if (o->ram.inodes > 0)
        fprintf(out, ",nr_inodes=%" PRIu64, o->ram.inodes);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].given)
            fprintf(out, ",%s", words[i].word);
    }
    fprintf(out, "%s", o->anon ? o->anon : "");
    fclose(out);
    return list;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same(const struct options *a, const struct options *b)
{
    return same_text(a->store, b->store) && same_text(a->mountpoint, b->mountpoint) &&
           same_text(a->anon, b->anon) && same_text(a->ram.huge, b->ram.huge) &&
           a->foreground == b->foreground && a->ram.size == b->ram.size &&
           a->ram.inodes == b->ram.inodes && a->ram.mode == b->ram.mode &&
           a->ram.noswap == b->ram.noswap && a->ram.atime.set == b->ram.atime.set &&
           a->ram.atime.clear == b->ram.atime.clear && a->passthrough == b->passthrough &&
           a->writeback == b->writeback && a->io_uring == b->io_uring && a->keeper == b->keeper &&
           a->keeper_given == b->keeper_given && a->takeover == b->takeover &&
           a->watchdog == b->watchdog && a->timeout == b->timeout &&
           a->descriptors == b->descriptors && a->user_descriptors == b->user_descriptors &&
           a->read_only == b->read_only && a->suid == b->suid && a->dev == b->dev &&
           a->noexec == b->noexec && a->dirsync == b->dirsync && a->sync == b->sync &&
           a->atime.set == b->atime.set && a->atime.clear == b->atime.clear;
}

static void parse_again(const struct options *options)
{
    struct options again;
    struct complaint complaint;
    char *list = print(options);
    char *argv[8];
    int argc = 0;
    argv[argc++] = (char *)(uintptr_t)PROGRAM;
    if (options->foreground)
        argv[argc++] = (char *)(uintptr_t) "-f";
    argv[argc++] = (char *)(uintptr_t) "-o";
    argv[argc++] = list;
    argv[argc++] = (char *)(uintptr_t) "--";
    if (options->store != NULL)
        argv[argc++] = (char *)(uintptr_t)options->store;
    argv[argc++] = (char *)(uintptr_t)options->mountpoint;
    argv[argc] = NULL;
    MUST(parse(argv, argc, &again, &complaint) == 0, complaint.text);
    MUST(same(options, &again), list);
    option_free(&again);
    free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *argv[ARGUMENTS_MAX + 1];
    int argc = split(text, argv);
    struct options options;
    struct complaint complaint;
    int error = parse(argv, argc, &options, &complaint);
    MUST(error == 0 || error == -EINVAL, complaint.text);
    if (error)
        check_complaint(&complaint);
    else
        MUST(complaint.text[0] == '\0', complaint.text);
    if (!error && !options.help && !options.version) {
        check_bounds(&options);
        parse_again(&options);
    }
    option_free(&options);
    free(text);
    return 0;
}
