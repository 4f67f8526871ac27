// SPDX-License-Identifier: BSD-2-Clause
/* The values of all options: as they are without a word about them, their lines, and their end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/limit/share.h"
#include "fs/options/option_table.h"

void option_set_defaults(struct options *options)
{
    *options = (struct options){
        .passthrough = true,
        .broker = true,
        .keeper = true,
        .keep_alive = KEEP_ALIVE_DEFAULT,
        .watchdog = WATCHDOG_DEFAULT,
        .timeout = TIMEOUT_UNSAID,
        .descriptors = 10000,
        .user_descriptors = SHARE_PERCENT_DEFAULT,
        .log_size = LOG_SIZE_DEFAULT,
    };
    options->ram.huge = "within_size";
    options->ram.mode = 01777;
    options->ram.uid = (uid_t)-1;
    options->ram.gid = (gid_t)-1;
    ram_parse_size("50%", &options->ram.size);
}

int option_add_line(char **text, const char *name, const char *value)
{
    char *longer;

    if (asprintf(&longer, "%s%s%s%s%s", *text ? *text : "", *text ? "\n" : "", name,
                 value ? "=" : "", value ? value : "") < 0)
        return -ENOMEM;
    free(*text);
    *text = longer;
    return 0;
}

void option_free(struct options *options)
{
    free(options->anon);
    free(options->scratch);
    free(options->atomic);
    free(options->checkpoint);
    free(options->fsname);
    free(options->contexts);
    free(options->given);
    free(options->ram.parameters);
}
