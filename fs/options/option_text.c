// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/option_text.h"

#include <stdio.h>
#include <string.h>

void option_text(const struct options *options, char *text, size_t size)
{
    const struct {
        bool on;
        const char *word;
    } words[] = {
        { options->ram.noswap, ",noswap" },   { !options->passthrough, ",nopassthrough" },
        { options->writeback, ",writeback" }, { options->io_uring, ",io_uring" },
        { !options->keeper, ",nokeeper" },    { options->anon != NULL, ",anon=" },
    };

    snprintf(text, size, "mode=%04o", (unsigned)options->ram.mode);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].on)
            strlcat(text, words[i].word, size);
    }
    if (options->anon)
        strlcat(text, options->anon, size);
}
