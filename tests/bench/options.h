// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct options {
    const char *shmapfs; // NULL: the daemon of the build tree
    const char *directory;
    const char *only;       // names, with commas between; NULL: all
    const char *side_names; // the same
    const char *svg;        // the file for a picture, or NULL
    size_t size;
    unsigned rounds;
    unsigned beside; // busy processes that want the processors, too
    bool quick;
    bool enable_uring;
    bool json;
    bool markdown;
};

// Reads the command line; ends the program when it is wrong, or only wants help.
struct options options_parse(int argc, char **argv);

// Returns whether a name in the comma-separated list is the text (whole, or with a $ behind it) or
// how it begins.
bool options_list_has(const char *list, const char *text, bool whole);

// How many names the list has.
size_t options_list_length(const char *list);

#endif
