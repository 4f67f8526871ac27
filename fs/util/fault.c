// SPDX-License-Identifier: BSD-2-Clause
#include "fs/util/fault.h"

void fault_point(enum fault_point point)
{
    (void)point;
}

void fault_request(const struct fuse_in_header *header)
{
    (void)header;
}

bool fault_hasty_kernel(void)
{
    return false;
}

bool fault_forgetful_kernel(void)
{
    return false;
}
