// SPDX-License-Identifier: BSD-2-Clause
#include "lib/area/inode_number.h"

#include "lib/area/area.h"

#define BIT(number) (UINT64_C(1) << (number))

/* Numbers below 2^32 that a directory's own area has; and above, that each RAM area has. */
#define OWN_NARROW BIT(23)
#define RAM_WIDE   BIT(45)

_Static_assert(AREAS_OWN_MAX *OWN_NARROW <= BIT(30) && (AREAS_OWN_MAX + 1) * RAM_WIDE <= BIT(52),
               "each area has numbers of its own");

static uint64_t of_ram(enum inode_numbering numbering, uint64_t ino)
{
    if (numbering == NUMBERING_WIDE)
        return ino | BIT(52);
    if (numbering == NUMBERING_NARROW)
        return ino < BIT(31) ? ino + BIT(31) : ino + BIT(52);
    return ino < BIT(30) ? ino + BIT(31) : ino + BIT(31) + BIT(52);
}

static uint64_t of_own(enum inode_numbering numbering, unsigned number, uint64_t ino)
{
    if (numbering == NUMBERING_SHARED && ino < OWN_NARROW)
        return BIT(31) + BIT(30) + number * OWN_NARROW + ino;
    return BIT(52) + BIT(31) + (number + 1) * RAM_WIDE + ino;
}

static uint64_t of_store(uint64_t ino)
{
    if (ino < BIT(31))
        return ino;
    if (ino < BIT(32))
        return ino - BIT(31) + BIT(52);
    if (ino < BIT(52))
        return ino;
    // The sum of the last ones begins at 0 again, where others are.
    return ino + BIT(52) < ino ? ino + BIT(52) + BIT(52) : ino + BIT(52);
}

uint64_t inode_number_shown(enum inode_numbering numbering, unsigned area, uint64_t ino)
{
    if (area >= AREA_OWN)
        return of_own(numbering, area - AREA_OWN, ino);
    if (area_kind(area)->is_apart)
        return of_ram(numbering, ino);
    return numbering == NUMBERING_WIDE ? ino : of_store(ino);
}
