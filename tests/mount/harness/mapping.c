// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/harness/mapping.h"

#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

int new_file(const char *path, off_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    assert_ok(fd);
    if (size > 0)
        assert_ok(ftruncate(fd, size));
    return fd;
}

int open_file(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);

    if (fd == -1)
        fail_msg("open %s (%#o): %s", path, (unsigned)flags, strerror(errno));
    return fd;
}

off_t size_of(int fd)
{
    struct stat stat;

    assert_ok(fstat(fd, &stat));
    return stat.st_size;
}

char *map_fd(int fd, size_t length, int protection, int flags)
{
    char *address = mmap(NULL, length, protection, flags, fd, 0);

    assert_ok(address);
    return address;
}

char *map_shared(int fd, size_t length)
{
    return map_fd(fd, length, PROT_READ | PROT_WRITE, MAP_SHARED);
}

void unmap(void *address, size_t length)
{
    assert_ok(munmap(address, length));
}

char *map_path(const char *path, size_t length)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd == -1)
        return NULL;
    char *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return address == MAP_FAILED ? NULL : address;
}

struct touch {
    volatile char *address;
    bool writes;
};

static int touch_once(struct coprocess *parent, void *argument)
{
    const struct touch *touch = argument;

    (void)parent;
    signal(SIGBUS, SIG_DFL);
    signal(SIGSEGV, SIG_DFL);
    if (touch->writes)
        *touch->address = 1;
    else
        (void)*touch->address;
    return 0;
}

int touch_signal(char *address, bool writes)
{
    struct touch touch = { .address = address, .writes = writes };
    int result = coprocess_run(touch_once, &touch);

    return result > 128 ? result - 128 : result;
}

bool all_bytes(const char *bytes, size_t count, char value)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

int reference_file(const struct fixture *fixture)
{
    int fd;

    if (fixture->area == AREA_PERSIST)
        fd = open(fixture->store, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    else if (fixture->area == AREA_NATIVE)
        fd = open(fixture->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    else
        fd = memfd_create("reference", MFD_CLOEXEC);
    assert_ok(fd);
    return fd;
}
