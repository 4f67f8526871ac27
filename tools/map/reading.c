// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/pages.h"
#include "lib/sys/cleanup.h"
#include "lib/sys/extent.h"
#include "tools/map/page_flags.h"
#include "tools/map/page_map.h"

#define WINDOW_PAGES 16384 // that are mapped at a time; no huge page lies across its borders
// So many pages are looked at one by one: 4 GiB, which takes some seconds.
#define SINGLE_PAGES_MAX (UINT64_C(1) << 20)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* A reading under way. */
struct reading {
    int fd;
    struct page_map *map;
    bool is_memory;    // the file is in memory: what of it is not there is swapped out
    bool single_dirty; // dirty pages can be found one by one alone
    bool has_flags;    // and single pages may still be looked at
    uint64_t single_left;
    struct page_flags flags;
};

/* Pages that are mapped. */
struct window {
    void *address;
    uint64_t first; // the number of the first one in the file
    size_t count;
};

/* The kernel tells which pages are in memory to the owner and to who may write; to others all seem
 * to be. */
static bool may_know(int fd, const struct stat *st)
{
    return geteuid() == 0 || geteuid() == st->st_uid ||
           faccessat(fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

/* Finds out where the pages of a file are, and so what can be known of them. */
static void find_place(struct reading *reading)
{
    struct page_map *map = reading->map;
    struct shmap_pages pages;
    struct statfs filesystem;
    char text[256], class[16];
    bool passthrough = false, anon;
    ssize_t length = fgetxattr(reading->fd, SHMAP_XATTR_PAGES, text, sizeof(text) - 1);

    text[length > 0 ? length : 0] = '\0';
    map->knows_swapped = map->knows_resident;
    if (length > 0 && pages_from_text(text, &pages, &passthrough) == 0) {
        // Without passthrough it is FUSE's page cache that is seen, and not the area's memory.
        length = fgetxattr(reading->fd, SHMAP_XATTR_CLASS, class, sizeof(class));
        anon = length == 4 && memcmp(class, "anon", 4) == 0;
        reading->is_memory = passthrough && anon;
        map->knows_swapped = map->knows_resident && (passthrough || !anon);
    } else {
        reading->is_memory = fstatfs(reading->fd, &filesystem) == 0 &&
                             (filesystem.f_type == TMPFS_MAGIC || filesystem.f_type == RAMFS_MAGIC);
    }
    reading->single_dirty = passthrough && !reading->is_memory;
    map->knows_huge = reading->has_flags;
    // A page that is in memory for good is written nowhere, and so never dirty.
    map->knows_dirty = reading->is_memory || (reading->single_dirty && reading->has_flags);
}

/* Looks at pages one by one that are in memory. */
static void read_single(struct reading *reading, const struct window *window, size_t at,
                        size_t count)
{
    char *address = (char *)window->address + at * reading->map->page;
    CLEANUP_FREE uint8_t *found = NULL;

    if (!reading->has_flags)
        return;
    // The file can change meanwhile: that is no SIGBUS here.
    if (count > reading->single_left || !(found = calloc(count, 1)) ||
        madvise(address, count * reading->map->page, MADV_POPULATE_READ) != 0 ||
        page_flags_read(&reading->flags, address, window->first + at, count, found) != 0) {
        reading->has_flags = reading->map->knows_huge = false;
        if (reading->single_dirty)
            reading->map->knows_dirty = false;
        return;
    }
    reading->single_left -= count;
    for (size_t i = 0; i < count; i++) {
        if (found[i] & PAGE_IN_A_HUGE)
            page_map_add(reading->map, window->first + at + i, 1, PAGE_CELL(huge));
        if (reading->single_dirty && (found[i] & PAGE_IS_DIRTY))
            page_map_add(reading->map, window->first + at + i, 1, PAGE_CELL(dirty));
    }
}

static void read_run(struct reading *reading, const struct window *window, size_t at, size_t count,
                     bool resident)
{
    uint64_t first = window->first + at;

    if (resident) {
        page_map_add(reading->map, first, count, PAGE_CELL(resident));
        read_single(reading, window, at, count);
    } else if (reading->is_memory) {
        page_map_add(reading->map, first, count, PAGE_CELL(swapped));
    }
}

static int read_window(struct reading *reading, const struct window *window)
{
    CLEANUP_FREE unsigned char *states = calloc(window->count, 1);
    size_t run;

    if (!states)
        return -ENOMEM;
    if (mincore(window->address, window->count * reading->map->page, states) != 0)
        return -errno;
    for (size_t at = 0; at < window->count; at += run) {
        bool resident = states[at] & 1;

        for (run = 1; at + run < window->count && (states[at + run] & 1) == resident;)
            run++;
        read_run(reading, window, at, run, resident);
    }
    return 0;
}

/* Reads pages that have data. */
static int read_data(struct reading *reading, uint64_t first, uint64_t end)
{
    size_t page = (size_t)reading->map->page;
    int error = 0;

    while (!error && first < end) {
        uint64_t border = (first / WINDOW_PAGES + 1) * WINDOW_PAGES;
        struct window window = { .first = first,
                                 .count = (size_t)((border < end ? border : end) - first) };

        window.address = mmap(NULL, window.count * page, PROT_READ, MAP_SHARED, reading->fd,
                              (off_t)(first * page));
        if (window.address == MAP_FAILED)
            return -errno;
        error = read_window(reading, &window);
        munmap(window.address, window.count * page);
        first += window.count;
    }
    return error;
}

/* Reads a file extent by extent. A page that has any data is none of a hole. */
static int read_extents(struct reading *reading)
{
    struct page_map *map = reading->map;
    off_t size = (off_t)map->size, data, end;
    uint64_t done = 0; // pages
    int error = 0;

    for (off_t at = 0; !error && at < size; at = end) {
        uint64_t first, last = map->total.pages;

        data = extent_next_data(reading->fd, at, size);
        end = data < size ? extent_end(reading->fd, data, size) : size;
        first = data < size ? (uint64_t)data / map->page : last;
        if (data < size)
            last = ((uint64_t)end - 1) / map->page + 1;
        if (first < done)
            first = done;
        page_map_add(map, done, first - done, PAGE_CELL(hole));
        if (map->knows_resident && first < last)
            error = read_data(reading, first, last);
        done = last;
    }
    return error;
}

/* Counts the dirty pages of each cell in the page cache that the file itself has. */
static void count_dirty(struct reading *reading)
{
    struct page_map *map = reading->map;
    uint64_t bytes = map->cell_pages * map->page;
    struct shmap_pages pages;

    if (reading->is_memory || reading->single_dirty)
        return;
    map->knows_dirty =
        map->total.pages == 0 || pages_count_range(reading->fd, 0, bytes, &pages) == 0;
    for (size_t i = 0; map->knows_dirty && i < map->count; i++) {
        if (pages_count_range(reading->fd, i * bytes, bytes, &pages) != 0)
            continue;
        // The file may have grown.
        if (pages.dirty > map->cells[i].pages)
            pages.dirty = map->cells[i].pages;
        page_map_add(map, i * map->cell_pages, pages.dirty, PAGE_CELL(dirty));
    }
}

int page_map_read(int fd, size_t cells, struct page_map *map)
{
    struct reading reading = { .fd = fd, .map = map, .single_left = SINGLE_PAGES_MAX };
    bool opened;
    struct stat st;
    int error;

    if (fstat(fd, &st) != 0)
        return -errno;
    error = page_map_make((uint64_t)st.st_size, (uint64_t)sysconf(_SC_PAGESIZE), cells, map);
    if (error)
        return error;
    map->knows_resident = may_know(fd, &st);
    opened = reading.has_flags = map->knows_resident && page_flags_open(&reading.flags);
    find_place(&reading);
    error = read_extents(&reading);
    if (!error)
        count_dirty(&reading);
    if (opened)
        page_flags_close(&reading.flags);
    if (error)
        page_map_free(map);
    return error;
}
