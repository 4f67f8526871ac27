// SPDX-License-Identifier: BSD-2-Clause
#include "options.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"

enum { MAX_BESIDE = 99 };

static const char usage_text[] =
    "Usage: bench [options]\n"
    "Measures shmapfs mounts against what they are made of, and against others of their kind.\n\n"
    "  --shmapfs PATH    the daemon (default: the one built along with this program)\n"
    "  --directory DIR   where stores are made, on the filesystem to compare with (default: .)\n"
    "  --size MIB        of the mapped file (default: 1024, less where memory is short)\n"
    "  --rounds N        1 to 99 (default: 5)\n"
    "  --beside N        with N busy processes beside, 1 to 99 (default: none)\n"
    "  --quick           less of everything, for a first look: 128 MiB, 2 rounds\n"
    "  --sides A,B...    only these (default: all but shared)\n"
    "  --only A,B...     only works whose names begin so, or with a $ at the end are so; a work takes\n"
    "                    those along that it needs\n"
    "  --enable-uring    as root: lets the kernel talk over io_uring while this program runs\n"
    "  --json            every number, for programs\n"
    "  --markdown        the table that is to be quoted, and what must be reached\n"
    "  --svg FILE        a picture of the ratios too (takes gnuplot)\n"
    "  --help            this text, the sides and the works\n\n"
    "Examples:\n"
    "  bench --quick --only open+close,create+close,unlink --sides anon,persist,tmpfs-huge,floor\n"
    "  bench --rounds 3 --only '1k known,1M known,memory' --sides anon\n"
    "  bench --only 'mmap,msync' --json\n"
    "  bench --enable-uring --markdown --svg ratios.svg\n";

static void print_usage(void)
{
    fputs(usage_text, stdout);
    puts("\nSides:");
    for (size_t i = 0; i < side_count; i++)
        printf("  %-22s %s\n", sides[i].name, sides[i].what);
    puts("\nWorks:");
    for (size_t i = 0; i < work_group_count; i++) {
        for (size_t j = 0; j < work_groups[i]->count; j++)
            printf("  %s\n", work_groups[i]->works[j].name);
    }
}

bool options_list_has(const char *list, const char *text, bool whole)
{
    for (;;) {
        size_t length = strcspn(list, ",");
        bool to_the_end = length > 0 && list[length - 1] == '$';
        size_t named = length - to_the_end;

        if (named > 0 && strncmp(list, text, named) == 0 &&
            (!(whole || to_the_end) || text[named] == '\0'))
            return true;
        if (list[length] == '\0')
            return false;
        list += length + 1;
    }
}

size_t options_list_length(const char *list)
{
    size_t length = 1;

    for (; *list != '\0'; list++)
        length += *list == ',';
    return length;
}

static unsigned long parse_number(const char *text, unsigned long most, const char *option)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);

    if (errno != 0 || *end != '\0' || number == 0 || number > most)
        errx(2, "--%s=%s: a number from 1 to %lu is wanted", option, text, most);
    return number;
}

static void take_option(struct options *options, int option)
{
    switch (option) {
    case 'd':
        options->shmapfs = optarg;
        break;
    case 'C':
        options->directory = optarg;
        break;
    case 's':
        options->size = parse_number(optarg, 1 << 20, "size") << 20;
        break;
    case 'r':
        options->rounds = (unsigned)parse_number(optarg, MAX_ROUNDS, "rounds");
        break;
    case 'b':
        options->beside = (unsigned)parse_number(optarg, MAX_BESIDE, "beside");
        break;
    case 'S':
        options->side_names = optarg;
        break;
    case 'o':
        options->only = optarg;
        break;
    case 'g':
        options->svg = optarg;
        break;
    case 'h':
        print_usage();
        exit(EXIT_SUCCESS);
    default:
        exit(2);
    }
}

struct options options_parse(int argc, char **argv)
{
    struct options options = { .directory = "." };
    int quick = 0, enable_uring = 0, json = 0, markdown = 0, option;
    const struct option long_options[] = {
        { "shmapfs", required_argument, NULL, 'd' },
        { "directory", required_argument, NULL, 'C' },
        { "size", required_argument, NULL, 's' },
        { "rounds", required_argument, NULL, 'r' },
        { "beside", required_argument, NULL, 'b' },
        { "quick", no_argument, &quick, 1 },
        { "sides", required_argument, NULL, 'S' },
        { "only", required_argument, NULL, 'o' },
        { "enable-uring", no_argument, &enable_uring, 1 },
        { "json", no_argument, &json, 1 },
        { "markdown", no_argument, &markdown, 1 },
        { "svg", required_argument, NULL, 'g' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option != 0)
            take_option(&options, option);
    }
    if (optind < argc)
        errx(2, "%s: not an option; see --help", argv[optind]);
    options.quick = quick;
    options.enable_uring = enable_uring;
    options.json = json;
    options.markdown = markdown;
    if (json && markdown)
        errx(2, "--json and --markdown exclude each other");
    if (options.size == 0)
        options.size = (size_t)(quick ? 128 : 1024) << 20;
    if (options.rounds == 0)
        options.rounds = quick ? 2 : 5;
    return options;
}
