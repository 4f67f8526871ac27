// SPDX-License-Identifier: BSD-2-Clause
/*
 * Inode numbers as the mount shows them, made from those of its areas: each inode has one, for as
 * long as it exists, and no two have the same (but see below). They are a function of the area and
 * its own number, so nothing has to be remembered of them.
 *
 * Numbers below 2^32 are for programs with 32-bit inode numbers, to which stat(2) is EOVERFLOW
 * otherwise. The store's numbers below 2^31 stay as they are; the RAM areas share the upper half,
 * the mount's own a half of that, and each directory's own a 256th. Numbers that these leave no
 * room for are in few stores, and in RAM areas in which very many files were made; they have
 * bit 52: still integers that a double holds exactly, which is what JavaScript has.
 *
 *     area    its number             shown
 *     store   below 2^31             as it is
 *             from 2^31, below 2^32  + 2^52 - 2^31
 *             from 2^32, below 2^52  as it is
 *             from 2^52              + 2^52 (overlayfs with xino, some network filesystems)
 *     RAM     below 2^30             + 2^31
 *             from 2^30              + 2^52 + 2^31
 *     own, n  below 2^23             + 2^31 + 2^30 + n * 2^23
 *             from 2^23              + 2^52 + 2^31 + (n + 1) * 2^45
 *
 * tmpfs counts: it never comes to 2^44. The store's last 2^52 of 2^64 numbers have nowhere to go:
 * they take what the first ones from 2^52 on left. No filesystem has such numbers.
 */
#ifndef SHMAP_INODE_NUMBER_H
#define SHMAP_INODE_NUMBER_H

#include <stdint.h>

/* How a mount shows numbers, from its beginning on. */
enum inode_numbering {
    NUMBERING_WIDE,   // RAM's have bit 52 set, the store's stay: of a mount that an earlier version
                      // made, before it was upgraded
    NUMBERING_NARROW, // likewise; the mount's own RAM area has all of the upper half
    NUMBERING_SHARED, // as above
};

/* Returns the number that is shown for an inode number of an area. */
uint64_t inode_number_shown(enum inode_numbering numbering, unsigned area, uint64_t ino);

#endif
