// SPDX-License-Identifier: BSD-2-Clause
// exchange RUNS: the exchange between two processes under load, in the working directory.
#include "tests/mount/cases/memory/exchange.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char *end;
    unsigned long runs = argc == 2 ? strtoul(argv[1], &end, 10) : 0;

    if (runs == 0 || runs > UINT_MAX || *end != '\0') {
        fprintf(stderr, "usage: %s RUNS\n", argv[0]);
        return EXIT_FAILURE;
    }
    unsigned well = exchange_runs((unsigned)runs);
    printf("%u of %lu two-process runs without a lost write\n", well, runs);
    return well == runs ? EXIT_SUCCESS : EXIT_FAILURE;
}
