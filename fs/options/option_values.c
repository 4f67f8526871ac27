// SPDX-License-Identifier: BSD-2-Clause
/* The values of all options: as they are without a word about them, and their end. */
#include <stdlib.h>

#include "fs/inode/share.h"
#include "fs/options/option_table.h"

void option_set_defaults(struct options *options)
{
    *options = (struct options){
        .passthrough = true,
        .broker = true,
        .keeper = true,
        .watchdog = WATCHDOG_DEFAULT,
        .timeout = TIMEOUT_DEFAULT,
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
