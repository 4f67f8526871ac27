// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/option_text.h"

#include <stdio.h>
#include <string.h>

/* Adds the id of an owner, if one was given. */
static void add_owner(char *text, size_t size, const char *word, unsigned id)
{
    char option[32];

    if (id == (unsigned)-1)
        return;
    snprintf(option, sizeof(option), ",%s=%u", word, id);
    strlcat(text, option, size);
}

void option_text(const struct options *options, char *text, size_t size)
{
    const struct {
        bool on;
        const char *word;
    } words[] = {
        { options->ram.noswap, ",noswap" },   { options->ram.reserves, ",reserve" },
        { options->skeleton, ",skeleton" },   { !options->passthrough, ",nopassthrough" },
        { options->writeback, ",writeback" }, { options->io_uring, ",io_uring" },
        { !options->keeper, ",nokeeper" },    { options->allow_other, ",allow_other" },
    };

    snprintf(text, size, "mode=%04o", (unsigned)options->ram.mode);
    add_owner(text, size, "uid", options->ram.uid);
    add_owner(text, size, "gid", options->ram.gid);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].on)
            strlcat(text, words[i].word, size);
    }
}
