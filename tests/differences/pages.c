// SPDX-License-Identifier: BSD-2-Clause
/* Mappings, the page cache, and what bypasses it. */
#include "tests/differences/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGES = 4, WHOLE = PAGES * PROBE_PAGE, LONG_AGO = 1000 };

/* Of linux/mman.h and linux/fs.h since Linux 6.5 and 6.14. */
enum { CACHESTAT = 451, DONTCACHE = 0x80 };

static void cachestat(struct answer *answer)
{
    struct {
        uint64_t from, length;
    } range = { 0, WHOLE };
    struct {
        uint64_t cached, dirty, writeback, evicted, recently_evicted;
    } pages = { 0 };
    int fd = make_file("file", WHOLE);

    if (syscall(CACHESTAT, fd, &range, &pages, 0) == -1)
        says_result(answer, -1);
    else
        says(answer, pages.cached >= PAGES ? "pages" : "no pages");
}

static void in_core(struct answer *answer)
{
    unsigned char resident[PAGES] = { 0 };
    int fd = make_file("file", WHOLE);
    char *address = map_file(fd, WHOLE);

    memset(address, 1, WHOLE);
    need(mincore(address, WHOLE, resident) == 0, "mincore");
    says(answer, resident[PAGES - 1] & 1 ? "resident" : "absent");
}

static void vector_call(struct answer *answer, bool writes, int flags)
{
    char bytes[PROBE_PAGE];
    struct iovec part = { bytes, sizeof(bytes) };
    int fd = make_file("file", WHOLE);

    need(pread(fd, bytes, sizeof(bytes), 0) == sizeof(bytes), "pread");
    says_result(answer,
                writes ? pwritev2(fd, &part, 1, 0, flags) : preadv2(fd, &part, 1, 0, flags));
}

static void read_nowait(struct answer *answer)
{
    vector_call(answer, false, RWF_NOWAIT);
}

static void read_uncached(struct answer *answer)
{
    vector_call(answer, false, DONTCACHE);
}

static void write_dsync(struct answer *answer)
{
    vector_call(answer, true, RWF_DSYNC);
}

static void write_append(struct answer *answer)
{
    vector_call(answer, true, RWF_APPEND);
}

static void direct(struct answer *answer)
{
    void *bytes = aligned_alloc(PROBE_PAGE, PROBE_PAGE);
    int fd;

    close(make_file("file", WHOLE));
    fd = open("file", O_RDWR | O_DIRECT | O_CLOEXEC);
    need(bytes != NULL, "aligned_alloc");
    memset(bytes, 'n', PROBE_PAGE);
    if (fd < 0)
        says_result(answer, -1);
    else
        says_result(answer, pwrite(fd, bytes, PROBE_PAGE, 0) == -1
                                ? -1
                                : pread(fd, bytes, PROBE_PAGE, PROBE_PAGE));
}

/* Of linux/stat.h since Linux 6.1. */
enum { DIOALIGN = 0x2000 };

static void direct_alignment(struct answer *answer)
{
    struct statx stx;

    need(statx(make_file("file", 0), "", AT_EMPTY_PATH, DIOALIGN, &stx) == 0, "statx");
    says(answer, stx.stx_mask & DIOALIGN ? "told" : "not told");
}

static void sends(struct answer *answer)
{
    int from = make_file("from", WHOLE), to = make_file("to", 0);

    says_result(answer, sendfile(to, from, &(off_t){ 0 }, WHOLE));
}

static void splices(struct answer *answer)
{
    int ends[2], fd = make_file("file", WHOLE);

    need(pipe(ends) == 0, "pipe");
    says_result(answer, splice(fd, &(off_t){ 0 }, ends[1], NULL, PROBE_PAGE, 0));
}

static void map(struct answer *answer, int protection, int flags)
{
    int fd = make_file("file", WHOLE);
    char byte = 0;
    char *address = mmap(NULL, WHOLE, protection, flags, fd, 0);

    if (address == MAP_FAILED) {
        says_result(answer, -1);
        return;
    }
    if (protection & PROT_WRITE)
        address[0] = 'm';
    need(pread(fd, &byte, 1, 0) == 1, "pread");
    says(answer, byte == 'm' ? "seen by read" : "ok");
}

static void map_shared(struct answer *answer)
{
    map(answer, PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void map_private(struct answer *answer)
{
    map(answer, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

static void map_executable(struct answer *answer)
{
    map(answer, PROT_READ | PROT_EXEC, MAP_PRIVATE);
}

static void map_sync(struct answer *answer)
{
    map(answer, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE | MAP_SYNC);
}

static void make_old(int fd)
{
    struct timespec times[] = { { .tv_sec = LONG_AGO }, { .tv_sec = LONG_AGO } };

    need(futimens(fd, times) == 0, "futimens");
}

static bool is_old(void)
{
    struct stat st;

    need(stat("file", &st) == 0, "stat");
    return st.st_mtime == LONG_AGO;
}

/* Where a page was stored through a mapping: what first changes the modification time. */
static void mtime_of_store(struct answer *answer)
{
    int fd = make_file("file", WHOLE);
    char *address = map_file(fd, WHOLE);

    need(fsync(fd) == 0, "fsync");
    make_old(fd);
    address[0] = 's';
    if (!is_old()) {
        says(answer, "at store");
        return;
    }
    need(msync(address, WHOLE, MS_SYNC) == 0, "msync");
    if (!is_old()) {
        says(answer, "at msync");
        return;
    }
    munmap(address, WHOLE);
    says(answer, is_old() ? "never" : "at munmap");
}

static void mtime_unmapped(struct answer *answer)
{
    int fd = make_file("file", WHOLE);
    char *address = map_file(fd, WHOLE);

    need(fsync(fd) == 0, "fsync");
    address[0] = 's';
    make_old(fd);
    munmap(address, WHOLE);
    says(answer, is_old() ? "stays" : "changes");
}

const struct probe PAGE_PROBES[] = {
    { "cachestat", cachestat },
    { "mincore", in_core },
    { "RWF_NOWAIT", read_nowait },
    { "RWF_DONTCACHE", read_uncached },
    { "RWF_DSYNC", write_dsync },
    { "RWF_APPEND", write_append },
    { "O_DIRECT", direct },
    { "STATX_DIOALIGN", direct_alignment },
    { "sendfile", sends },
    { "splice", splices },
    { "MAP_SHARED", map_shared },
    { "MAP_PRIVATE", map_private },
    { "PROT_EXEC", map_executable },
    { "MAP_SYNC", map_sync },
    { "mtime of a store in a mapping", mtime_of_store },
    { "mtime set after such a store", mtime_unmapped },
    { NULL, NULL },
};
