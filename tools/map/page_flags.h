// SPDX-License-Identifier: BSD-2-Clause
/* The kernel's knowledge of pages in memory that are mapped here. It tells root alone. */
#ifndef SHMAPCTL_PAGE_FLAGS_H
#define SHMAPCTL_PAGE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_flags {
    int places; // /proc/self/pagemap; -1: closed
    int flags;  // /proc/kpageflags
    size_t page;
    size_t huge; // how many pages a huge page is
};

#define PAGE_IS_DIRTY  (1 << 0) // changed, or just being written
#define PAGE_IN_A_HUGE (1 << 1)

/* Opens what tells. Returns whether it can be had. */
bool page_flags_open(struct page_flags *flags);
void page_flags_close(struct page_flags *flags);

/* Reads the flags of pages from an address on. They are mapped; of one that is not any more, they
 * are 0. `first` is the number of the first one in its file. Returns 0 or a negative errno. */
int page_flags_read(const struct page_flags *flags, const void *address, size_t first, size_t count,
                    uint8_t *found);

#endif
