// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/inode_number.h"

#include "lib/area/area.h"

#define BIT_31 (UINT64_C(1) << 31)
#define BIT_32 (UINT64_C(1) << 32)
#define BIT_52 (UINT64_C(1) << 52)

static uint64_t of_ram(uint64_t ino)
{
    return ino < BIT_31 ? ino + BIT_31 : ino + BIT_52;
}

static uint64_t of_store(uint64_t ino)
{
    if (ino < BIT_31)
        return ino;
    if (ino < BIT_32)
        return ino - BIT_31 + BIT_52;
    if (ino < BIT_52)
        return ino;
    // The sum of the last ones begins at 0 again, where others are.
    return ino + BIT_52 < ino ? ino + BIT_52 + BIT_52 : ino + BIT_52;
}

uint64_t inode_number_shown(enum inode_numbering numbering, unsigned area, uint64_t ino)
{
    if (numbering == NUMBERING_WIDE)
        return area_kind(area)->is_apart ? ino | BIT_52 : ino;
    return area_kind(area)->is_apart ? of_ram(ino) : of_store(ino);
}
