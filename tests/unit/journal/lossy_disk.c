// SPDX-License-Identifier: BSD-2-Clause
#include "tests/unit/journal/lossy_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/redo/format.h"

#define PAGE   4096U
#define SECTOR 512U

enum kind { KIND_WRITE, KIND_RESIZE, KIND_ZERO, KIND_SYNC };

struct event {
    enum kind kind;
    uint64_t inode;
    uint64_t offset; // the new size, or the range
    uint64_t size;
    uint8_t *data;
};

static struct {
    bool recording;
    void (*at_point)(enum disk_point point);
    struct event *events;
    size_t count;
    size_t room;
    int writes_left;
    int write_error;
    int spill;
    int sync_error;
} disk = { .writes_left = -1 };

void lossy_begin(void (*at_point)(enum disk_point point))
{
    disk.recording = true;
    disk.at_point = at_point;
}

void lossy_end(void)
{
    disk.recording = false;
    disk.at_point = NULL;
}

void lossy_clear(void)
{
    for (size_t i = 0; i < disk.count; i++)
        free(disk.events[i].data);
    free(disk.events);
    disk.events = NULL;
    disk.count = disk.room = 0;
}

size_t lossy_events(void)
{
    return disk.count;
}

void lossy_fail_store_after(int writes)
{
    disk.writes_left = writes;
}

void lossy_fail_writes(int error, int spill)
{
    disk.write_error = error;
    disk.spill = spill;
}

void lossy_fail_syncs(int error)
{
    disk.sync_error = error;
}

static void note(int fd, enum kind kind, const void *data, uint64_t offset, uint64_t size)
{
    struct stat st;
    struct event *event;

    if (!disk.recording || fstat(fd, &st) != 0)
        return;
    if (disk.count == disk.room) {
        disk.room = disk.room * 2 + 64;
        disk.events = reallocarray(disk.events, disk.room, sizeof(*disk.events));
    }
    event = &disk.events[disk.count++];
    *event = (struct event){ kind, st.st_ino, offset, size, NULL };
    if (data != NULL) {
        event->data = malloc(size);
        memcpy(event->data, data, size);
    }
}

void disk_point(enum disk_point point)
{
    if (disk.at_point != NULL)
        disk.at_point(point);
}

int disk_write(int fd, const void *data, size_t size, uint64_t offset)
{
    if (disk.write_error != 0 && fd != disk.spill && offset >= REDO_DATA_AT)
        return -disk.write_error;
    note(fd, KIND_WRITE, data, offset, size);
    return pwrite(fd, data, size, (off_t)offset) == (ssize_t)size ? 0 : -errno;
}

/* The zeros only make room. */
int disk_warm(int fd, size_t size, uint64_t offset)
{
    (void)fd;
    (void)size;
    (void)offset;
    return 0;
}

int disk_read(int fd, void *data, size_t size, uint64_t offset)
{
    ssize_t length = pread(fd, data, size, (off_t)offset);

    if (length < 0)
        return -errno;
    memset((char *)data + length, 0, size - (size_t)length);
    return 0;
}

int disk_sync(int fd)
{
    note(fd, KIND_SYNC, NULL, 0, 0);
    return -disk.sync_error;
}

static bool store_fails(void)
{
    if (disk.writes_left < 0)
        return false;
    if (disk.writes_left == 0)
        return true;
    disk.writes_left--;
    return false;
}

int disk_write_store(int fd, const void *data, size_t size, uint64_t offset)
{
    return store_fails() ? -EIO : disk_write(fd, data, size, offset);
}

int disk_resize_store(int fd, uint64_t size)
{
    if (store_fails())
        return -EIO;
    note(fd, KIND_RESIZE, NULL, size, 0);
    return ftruncate(fd, (off_t)size) == 0 ? 0 : -errno;
}

int disk_zero_store(int fd, uint64_t from, uint64_t end)
{
    if (store_fails())
        return -EIO;
    note(fd, KIND_ZERO, NULL, from, end - from);
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
                     (off_t)(end - from)) == 0
               ? 0
               : -errno;
}

int disk_sync_store(int fd, int metadata)
{
    (void)metadata;
    note(fd, KIND_SYNC, NULL, 0, 0);
    return 0;
}

/* Pages of a file, by a hash of their numbers. */
#define SLOTS 8192U

struct page {
    struct page *next;
    uint64_t number;
    uint8_t data[PAGE];
};

struct lossy_file {
    uint64_t inode;
    size_t next;   // event that was not looked at
    size_t synced; // events before this one are on the disk, and in the pages
    uint64_t size;
    struct page *slots[SLOTS];
};

static uint8_t *page_of(struct lossy_file *file, uint64_t number)
{
    struct page **slot = &file->slots[number % SLOTS];
    struct page *page;

    for (page = *slot; page != NULL; page = page->next)
        if (page->number == number)
            return page->data;
    page = calloc(1, sizeof(*page));
    page->number = number;
    page->next = *slot;
    *slot = page;
    return page->data;
}

static void put(struct lossy_file *file, const uint8_t *data, uint64_t offset, uint64_t size)
{
    if (offset + size > file->size)
        file->size = offset + size;
    while (size > 0) {
        uint64_t at = offset % PAGE;
        uint64_t length = size < PAGE - at ? size : PAGE - at;

        if (data != NULL)
            memcpy(page_of(file, offset / PAGE) + at, data, length);
        else
            memset(page_of(file, offset / PAGE) + at, 0, length);
        data = data != NULL ? data + length : NULL;
        offset += length;
        size -= length;
    }
}

static void resize(struct lossy_file *file, uint64_t size)
{
    uint64_t old = file->size;

    if (size < old)
        put(file, NULL, size, old - size);
    file->size = size;
}

static void carry_out(struct lossy_file *file, const struct event *event)
{
    uint64_t size = file->size;

    if (event->kind == KIND_WRITE)
        put(file, event->data, event->offset, event->size);
    else if (event->kind == KIND_RESIZE)
        resize(file, event->offset);
    else if (event->kind == KIND_ZERO) {
        put(file, NULL, event->offset, event->size);
        file->size = size;
    }
}

struct lossy_file *lossy_file_new(uint64_t inode, const void *content, size_t size)
{
    struct lossy_file *file = calloc(1, sizeof(*file));

    file->inode = inode;
    put(file, content, 0, size);
    return file;
}

void lossy_file_free(struct lossy_file *file)
{
    for (size_t i = 0; i < SLOTS; i++) {
        for (struct page *page = file->slots[i], *next; page != NULL; page = next) {
            next = page->next;
            free(page);
        }
    }
    free(file);
}

void lossy_file_advance(struct lossy_file *file, size_t event)
{
    for (; file->next < event; file->next++) {
        if (disk.events[file->next].inode != file->inode ||
            disk.events[file->next].kind != KIND_SYNC)
            continue;
        for (; file->synced < file->next; file->synced++)
            if (disk.events[file->synced].inode == file->inode)
                carry_out(file, &disk.events[file->synced]);
    }
}

static unsigned hash(uint64_t a, unsigned b)
{
    a = (a + b) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(a >> 33);
}

/* Up to which event what was written to a sector is on the disk. */
static size_t cut_of(const struct lossy_file *file, enum loss loss, unsigned salt, uint64_t sector)
{
    size_t events = file->next - file->synced;

    switch (loss) {
    case LOSS_ALL:
        return file->synced;
    case LOSS_NONE:
        return file->next;
    case LOSS_SECTORS:
        return file->synced + hash(sector, salt) % (events + 1);
    default:
        // Nearly all is there.
        return hash(sector, salt) % 16 != 0 ? file->next
                                            : file->synced + hash(sector, salt + 1) % (events + 1);
    }
}

static void write_range(int fd, const uint8_t *data, uint64_t size, uint64_t offset)
{
    if (size > 0 && pwrite(fd, data, size, (off_t)offset) != (ssize_t)size)
        abort();
}

/* Writes those sectors that are on the disk, as many at a time as there are in a row. */
static void crash_write(const struct event *event, size_t index, const struct lossy_file *file,
                        enum loss loss, unsigned salt, int fd)
{
    uint64_t from = 0;
    uint64_t done = 0;

    for (uint64_t length; done < event->size; done += length) {
        uint64_t offset = event->offset + done;

        length = SECTOR - offset % SECTOR;
        length = length < event->size - done ? length : event->size - done;
        if (index < cut_of(file, loss, salt, offset / SECTOR))
            continue;
        write_range(fd, event->data + from, done - from, event->offset + from);
        from = done + length;
    }
    write_range(fd, event->data + from, done - from, event->offset + from);
}

/* Pages that follow each other are in slots that do, too. */
static void write_pages_of(const struct lossy_file *file, int fd)
{
    static uint8_t row[64 * PAGE];
    uint64_t first = 0;
    uint64_t count = 0;

    for (size_t i = 0; i < SLOTS; i++)
        for (const struct page *page = file->slots[i]; page != NULL; page = page->next) {
            if (count == sizeof(row) / PAGE || page->number != first + count) {
                write_range(fd, row, count * PAGE, first * PAGE);
                first = page->number;
                count = 0;
            }
            memcpy(row + count++ * PAGE, page->data, PAGE);
        }
    write_range(fd, row, count * PAGE, first * PAGE);
}

void lossy_file_crash(struct lossy_file *file, enum loss loss, unsigned *seed, int fd)
{
    unsigned salt = (unsigned)rand_r(seed);

    if (ftruncate(fd, 0) != 0)
        abort();
    write_pages_of(file, fd);
    if (ftruncate(fd, (off_t)file->size) != 0)
        abort();
    for (size_t i = file->synced; i < file->next; i++) {
        const struct event *event = &disk.events[i];

        if (event->inode != file->inode)
            continue;
        if (event->kind == KIND_WRITE)
            crash_write(event, i, file, loss, salt, fd);
        else if (i >= cut_of(file, loss, salt, UINT64_MAX))
            continue;
        else if (event->kind == KIND_RESIZE && ftruncate(fd, (off_t)event->offset) != 0)
            abort();
        else if (event->kind == KIND_ZERO)
            disk_zero_store(fd, event->offset, event->offset + event->size);
    }
}
