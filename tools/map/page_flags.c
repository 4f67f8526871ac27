// SPDX-License-Identifier: BSD-2-Clause
#include "tools/map/page_flags.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

/* An entry of pagemap, as proc(5) describes it. */
#define PLACE_PRESENT (UINT64_C(1) << 63)
#define PLACE_NUMBER  ((UINT64_C(1) << 55) - 1)

#define HUGE_SIZE  "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size"
#define USUAL_HUGE (2UL << 20)

static size_t read_huge_size(void)
{
    FILE *file = fopen(HUGE_SIZE, "re");
    unsigned long size = 0;

    if (file) {
        if (fscanf(file, "%lu", &size) != 1)
            size = 0;
        fclose(file);
    }
    return size ? size : USUAL_HUGE;
}

/* Reads where the pages from an address on are in memory. */
static int read_places(const struct page_flags *flags, const void *address, size_t count,
                       uint64_t *places)
{
    off_t at = (off_t)((uintptr_t)address / flags->page * sizeof(*places));
    ssize_t length = pread(flags->places, places, count * sizeof(*places), at);

    return length == (ssize_t)(count * sizeof(*places)) ? 0 : length < 0 ? -errno : -EIO;
}

bool page_flags_open(struct page_flags *flags)
{
    uint64_t place = 0;

    *flags = (struct page_flags){ .page = (size_t)sysconf(_SC_PAGESIZE) };
    flags->huge = read_huge_size() / flags->page;
    flags->places = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    flags->flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
    // Others are told that a page is there, and not where: this one has just been written.
    if (flags->places >= 0 && flags->flags >= 0 && read_places(flags, &place, 1, &place) == 0 &&
        (place & PLACE_NUMBER) != 0)
        return true;
    page_flags_close(flags);
    return false;
}

void page_flags_close(struct page_flags *flags)
{
    cleanup_fd(&flags->places);
    cleanup_fd(&flags->flags);
    flags->places = flags->flags = -1;
}

static uint64_t number_of(uint64_t place)
{
    return place & PLACE_PRESENT ? place & PLACE_NUMBER : 0;
}

static bool read_kernel(const struct page_flags *flags, uint64_t number, size_t count,
                        uint64_t *words)
{
    return pread(flags->flags, words, count * sizeof(*words), (off_t)(number * sizeof(*words))) ==
           (ssize_t)(count * sizeof(*words));
}

/* Returns whether a huge page begins at a place in memory. Smaller ones that belong together are
 * marked likewise, but none reaches beyond the middle. */
static bool begins_huge(const struct page_flags *flags, uint64_t number)
{
    const uint64_t large = UINT64_C(1) << KPF_THP | UINT64_C(1) << KPF_HUGE;
    uint64_t first, middle;

    return number != 0 && number % flags->huge == 0 && read_kernel(flags, number, 1, &first) &&
           (first & large) && (first >> KPF_COMPOUND_HEAD & 1) &&
           read_kernel(flags, number + flags->huge / 2, 1, &middle) &&
           (middle >> KPF_COMPOUND_TAIL & 1);
}

static void mark_huge(const struct page_flags *flags, size_t first, size_t count,
                      const uint64_t *places, uint8_t *found)
{
    for (size_t i = (flags->huge - first % flags->huge) % flags->huge; i < count;
         i += flags->huge) {
        if (!begins_huge(flags, number_of(places[i])))
            continue;
        for (size_t k = i; k < count && k < i + flags->huge; k++)
            found[k] |= PAGE_IN_A_HUGE;
    }
}

/* Marks dirty pages. Those that are side by side in memory, too, are read together. */
static void mark_dirty(const struct page_flags *flags, size_t count, const uint64_t *places,
                       uint64_t *words, uint8_t *found)
{
    const uint64_t dirty = UINT64_C(1) << KPF_DIRTY | UINT64_C(1) << KPF_WRITEBACK;
    size_t run;

    for (size_t i = 0; i < count; i += run) {
        uint64_t number = number_of(places[i]);

        for (run = 1; i + run < count && number_of(places[i + run]) == number + run;)
            run++;
        if (number == 0 || !read_kernel(flags, number, run, words))
            continue;
        for (size_t k = 0; k < run; k++) {
            if (words[k] & dirty)
                found[i + k] |= PAGE_IS_DIRTY;
        }
    }
}

int page_flags_read(const struct page_flags *flags, const void *address, size_t first, size_t count,
                    uint8_t *found)
{
    CLEANUP_FREE uint64_t *places = calloc(count, sizeof(*places));
    CLEANUP_FREE uint64_t *words = calloc(count, sizeof(*words));
    int error = places && words ? read_places(flags, address, count, places) : -ENOMEM;

    if (error)
        return error;
    mark_dirty(flags, count, places, words, found);
    mark_huge(flags, first, count, places, found);
    return 0;
}
