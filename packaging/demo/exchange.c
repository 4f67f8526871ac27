// SPDX-License-Identifier: BSD-2-Clause
/* The other half of the exchange: maps the file that exchange.py made and answers each number in it
 * with its square. Nothing here knows of shmapfs. */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

struct shared {
    uint64_t number;
    uint64_t answer;
    uint64_t process;
};

/* Maps the file; it exists when the first turn has come. */
static volatile struct shared *map_file(const char *path)
{
    int fd = open(path, O_RDWR);
    void *map;

    if (fd < 0)
        err(1, "%s", path);
    map = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        err(1, "%s", path);
    close(fd);
    return map;
}

int main(int argc, char **argv)
{
    volatile struct shared *shared = NULL;
    char turn;

    if (argc != 2)
        errx(2, "usage: exchange FILE");
    while (read(STDIN_FILENO, &turn, 1) == 1) {
        if (!shared)
            shared = map_file(argv[1]);
        shared->process = (uint64_t)getpid();
        shared->answer = shared->number * shared->number;
        if (write(STDOUT_FILENO, &turn, 1) != 1)
            err(1, "the other program");
    }
    return !shared;
}
