// SPDX-License-Identifier: BSD-2-Clause
/* The calls of /dev/fuse by which backing files are registered, as linux/fuse.h has them since
 * Linux 6.9; older distributions have that header without them. */
#ifndef SHMAP_BROKER_DEVICE_H
#define SHMAP_BROKER_DEVICE_H

#include <stdint.h>
#include <sys/ioctl.h>

struct device_backing_map {
    int32_t fd;
    uint32_t flags;
    uint64_t padding;
};

#define DEVICE_BACKING_OPEN  _IOW(229, 1, struct device_backing_map)
#define DEVICE_BACKING_CLOSE _IOW(229, 2, uint32_t)

#endif
