// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/mounting/unwritten.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/* The arguments of cachestat(2), which the headers of some systems lack. */
struct whole_file {
    uint64_t offset, length;
};

struct page_counts {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

uint64_t unwritten_pages(const char *path)
{
    struct whole_file whole = { 0 };
    struct page_counts counts = { 0 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_ok(fd);
    long result = syscall(SYS_cachestat, fd, &whole, &counts, 0U);
    int error = errno;
    assert_ok(close(fd));
    if (result != 0 && error == ENOSYS)
        harness_skip_case("this kernel has no cachestat(2) (Linux 6.5 has)");
    assert_int_equal(result, 0);
    return counts.dirty + counts.writeback;
}
