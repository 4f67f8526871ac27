// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/memory/exchange.h"

#include "tests/mount/harness/coprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * One run. The first process makes the file of SMALL bytes, the second opens the same path by
 * itself and maps LARGE bytes, more than there are yet. By turns each writes through its mapping
 * what the other then looks for; then the first makes the file LARGE; at last both write to the
 * same pages at the same time, each into every second byte.
 */
enum { SMALL = 3 * 4096 + 100, LARGE = 16 * 4096 };

enum { MOST_BUSY = 64 };

static unsigned char pattern(unsigned run, size_t at, unsigned step)
{
    return (unsigned char)(run * 31 + at * 7 + at / 4096 + step * 101 + 1);
}

static void write_bytes(unsigned char *mapping, size_t from, size_t to, size_t stride, unsigned run,
                        unsigned step)
{
    for (size_t at = from; at < to; at += stride)
        mapping[at] = pattern(run, at, step);
}

static bool holds(const unsigned char *bytes, size_t from, size_t to, size_t stride, unsigned run,
                  unsigned step)
{
    for (size_t at = from; at < to; at += stride) {
        if (bytes[at] != pattern(run, at, step)) {
            fprintf(stderr, "run %u, step %u: byte %zu is %u; wanted %u\n", run, step, at,
                    bytes[at], pattern(run, at, step));
            return false;
        }
    }
    return true;
}

static unsigned char *map_large(int fd)
{
    void *mapping = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return mapping == MAP_FAILED ? NULL : mapping;
}

static int play_second(struct coprocess *parent, void *argument)
{
    unsigned run = *(unsigned *)argument;
    struct stat stat;

    coprocess_check(coprocess_await_turn(parent));
    int fd = open("exchange", O_RDWR | O_CLOEXEC);
    coprocess_check(fd != -1);
    unsigned char *mapping = map_large(fd);
    coprocess_check(mapping != NULL);
    coprocess_check(fstat(fd, &stat) == 0 && stat.st_size == SMALL);
    coprocess_check(holds(mapping, 0, SMALL, 1, run, 1));
    write_bytes(mapping, 0, SMALL, 1, run, 2);
    coprocess_check(coprocess_give_turn(parent));

    coprocess_check(coprocess_await_turn(parent));
    coprocess_check(fstat(fd, &stat) == 0 && stat.st_size == LARGE);
    coprocess_check(holds(mapping, 0, SMALL, 1, run, 2));
    coprocess_check(holds(mapping, SMALL, LARGE, 1, run, 3));
    coprocess_check(coprocess_give_turn(parent));

    write_bytes(mapping, 1, LARGE, 2, run, 4);
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    coprocess_check(holds(mapping, 0, LARGE, 1, run, 4));
    return 0;
}

static int play_first(const struct coprocess *coprocess, unsigned run, int fd,
                      unsigned char *mapping)
{
    unsigned char bytes[LARGE];

    write_bytes(mapping, 0, SMALL, 1, run, 1);
    coprocess_check(coprocess_give_turn(coprocess));
    coprocess_check(coprocess_await_turn(coprocess));
    coprocess_check(holds(mapping, 0, SMALL, 1, run, 2));
    coprocess_check(ftruncate(fd, LARGE) == 0);
    write_bytes(mapping, SMALL, LARGE, 1, run, 3);
    coprocess_check(coprocess_give_turn(coprocess));

    coprocess_check(coprocess_await_turn(coprocess));
    write_bytes(mapping, 0, LARGE, 2, run, 4);
    coprocess_check(coprocess_give_turn(coprocess));
    coprocess_check(coprocess_await_turn(coprocess));
    coprocess_check(holds(mapping, 0, LARGE, 1, run, 4));
    coprocess_check(pread(fd, bytes, LARGE, 0) == LARGE);
    coprocess_check(holds(bytes, 0, LARGE, 1, run, 4));
    return 0;
}

static bool exchange_once(unsigned run)
{
    struct coprocess coprocess;

    if (coprocess_start(&coprocess, play_second, &run) < 0)
        return false;
    int fd = open("exchange", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    unsigned char *mapping = NULL;
    bool well = fd != -1 && ftruncate(fd, SMALL) == 0 && (mapping = map_large(fd)) != NULL;
    if (!well)
        fprintf(stderr, "run %u: %s\n", run, strerror(errno));
    well = well && play_first(&coprocess, run, fd, mapping) == 0;
    well = coprocess_end(&coprocess) == 0 && well;
    if (mapping != NULL)
        munmap(mapping, LARGE);
    if (fd != -1)
        close(fd);
    return unlink("exchange") == 0 && well;
}

static pid_t start_busy_child(void)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    for (volatile unsigned long work = 0;; work = work + 1)
        ;
}

unsigned exchange_runs(unsigned runs)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    pid_t busy[MOST_BUSY];
    unsigned well = 0;

    if (processors > MOST_BUSY)
        processors = MOST_BUSY;
    for (long i = 0; i < processors; i++)
        busy[i] = start_busy_child();
    for (unsigned run = 0; run < runs; run++)
        well += exchange_once(run);
    for (long i = 0; i < processors; i++) {
        if (busy[i] == -1)
            continue;
        kill(busy[i], SIGKILL);
        waitpid(busy[i], NULL, 0);
    }
    return well;
}
