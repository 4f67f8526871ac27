// SPDX-License-Identifier: BSD-2-Clause
#include "options.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static const char usage_text[] =
    "Usage: bench [options]\n"
    "Measures a shmapfs mount against what it is made of.\n\n"
    "  --shmapfs PATH    the daemon (default: the one built along with this program)\n"
    "  --directory DIR   where stores are made, on the filesystem to compare with (default: .)\n"
    "  --size MIB        of the mapped file (default: 1024, less where memory is short)\n"
    "  --rounds N        1 to 99 (default: 5)\n"
    "  --sides A,B...    these instead of the default ones\n"
    "  --only A,B...     only works whose name begins so\n"
    "  --json            every number, for programs\n"
    "  --help            this text, the sides and the works\n";

static void print_usage(void)
{
    fputs(usage_text, stdout);
    puts("\nSides:");
    for (size_t i = 0; i < side_count; i++)
        printf("  %-22s %s%s\n", sides[i].name, sides[i].what,
               sides[i].on_demand ? " (not by default)" : "");
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

        if (length > 0 && strncmp(list, text, length) == 0 && (!whole || text[length] == '\0'))
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

struct options options_parse(int argc, char **argv)
{
    static const struct option long_options[] = {
        { "shmapfs", required_argument, NULL, 'd' },
        { "directory", required_argument, NULL, 'C' },
        { "size", required_argument, NULL, 's' },
        { "rounds", required_argument, NULL, 'r' },
        { "sides", required_argument, NULL, 'S' },
        { "only", required_argument, NULL, 'o' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    struct options options = { .directory = ".", .rounds = 5, .size = (size_t)1 << 30 };
    int option;

    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (option) {
        case 'd':
            options.shmapfs = optarg;
            break;
        case 'C':
            options.directory = optarg;
            break;
        case 's':
            options.size = parse_number(optarg, 1 << 20, "size") << 20;
            break;
        case 'r':
            options.rounds = (unsigned)parse_number(optarg, MAX_ROUNDS, "rounds");
            break;
        case 'S':
            options.side_names = optarg;
            break;
        case 'o':
            options.only = optarg;
            break;
        case 'j':
            options.json = true;
            break;
        case 'h':
            print_usage();
            exit(EXIT_SUCCESS);
        default:
            exit(2);
        }
    }
    if (optind < argc)
        errx(2, "%s: not an option; see --help", argv[optind]);
    return options;
}
