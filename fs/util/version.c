// SPDX-License-Identifier: BSD-2-Clause
#include "fs/util/version.h"

#ifndef STATE_VERSION
#define STATE_VERSION 2
#endif

const char *version_text(void)
{
    return SHMAPFS_VERSION;
}

uint32_t version_of_state(void)
{
    return STATE_VERSION;
}
