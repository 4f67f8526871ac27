// SPDX-License-Identifier: BSD-2-Clause
#include "fs/options/option_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/sys/cleanup.h"

/* Adds the id of an owner, if one was given. */
static void add_owner(char *text, size_t size, const char *word, unsigned id)
{
    char option[32];

    if (id == (unsigned)-1)
        return;
    snprintf(option, sizeof(option), ",%s=%u", word, id);
    strlcat(text, option, size);
}

/* Adds a word that could be longer than the room for it, if all of it fits. */
static void add_whole(char *text, size_t size, const char *name, const char *value)
{
    size_t length = strlen(text);

    // A comma in it would end it.
    if (!strchr(value, ',') &&
        (size_t)snprintf(text + length, size - length, ",%s%s", name, value) >= size - length)
        text[length] = '\0';
}

/* Adds tmpfs' words, but for those that may change later. */
static void add_parameters(char *text, size_t size, const char *parameters)
{
    CLEANUP_FREE char *copy = parameters ? strdup(parameters) : NULL;
    char *rest = copy;
    const char *word;

    while ((word = strsep(&rest, "\n"))) {
        if (strncmp(word, "mpol", 4) != 0 && strncmp(word, "inode", 5) != 0)
            add_whole(text, size, "", word);
    }
}

void option_text(const struct options *options, char *text, size_t size)
{
    const struct {
        bool on;
        const char *word;
    } words[] = {
        { options->ram.noswap, ",noswap" },
        { options->ram.reserves, ",reserve" },
        { options->skeleton, ",skeleton" },
        { !options->passthrough, ",nopassthrough" },
        { options->writeback, ",writeback" },
        { options->io_uring, ",io_uring" },
        { !options->keeper, ",nokeeper" },
        { options->allow_other, ",allow_other" },
        { !options->broker, ",nobroker" },
        { options->hosts == HOSTS_ONE, ",noshared" },
        { options->hosts == HOSTS_SEVERAL, ",shared" },
    };

    snprintf(text, size, "mode=%04o", (unsigned)options->ram.mode);
    add_owner(text, size, "uid", options->ram.uid);
    add_owner(text, size, "gid", options->ram.gid);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].on)
            strlcat(text, words[i].word, size);
    }
    if (options->hosts == HOSTS_SEVERAL && options->keep_alive != KEEP_ALIVE_DEFAULT)
        snprintf(text + strlen(text), size - strlen(text), ",keepalive=%u", options->keep_alive);
    if (options->last_close)
        strlcat(text, ",lifetime=last-close", size);
    if (options->linger > 0)
        snprintf(text + strlen(text), size - strlen(text), ",linger=%u", options->linger);
    if (options->log_size != LOG_SIZE_DEFAULT)
        snprintf(text + strlen(text), size - strlen(text), ",log=%ju",
                 (uintmax_t)options->log_size);
    if (options->atomic)
        add_whole(text, size, "atomic=", options->atomic);
    if (options->checkpoint)
        add_whole(text, size, "checkpoint=", options->checkpoint);
    add_parameters(text, size, options->ram.parameters);
    if (options->fsname)
        add_whole(text, size, "fsname=", options->fsname);
}
