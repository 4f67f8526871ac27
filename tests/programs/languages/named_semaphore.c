// SPDX-License-Identifier: BSD-2-Clause
/* Two processes hand a turn to and fro by named semaphores, and count in a shared memory object:
 *
 *     named_semaphore play 0|1    the one who begins, the other one
 *     named_semaphore read        how often was played: by the object, by a semaphore */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUNDS = 3000, SECONDS = 500 };

static void demand(int well, const char *what)
{
    if (!well) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
    }
}

/* The first one that comes makes it. */
static sem_t *open_semaphore(const char *name, unsigned value)
{
    sem_t *semaphore = sem_open(name, O_CREAT, 0600, value);

    demand(semaphore != SEM_FAILED, name);
    return semaphore;
}

static unsigned long *open_counter(void)
{
    int fd = shm_open("/counter", O_RDWR | O_CREAT, 0600);

    demand(fd >= 0, "shm_open");
    demand(ftruncate(fd, sizeof(unsigned long)) == 0, "ftruncate");
    void *mapping = mmap(NULL, sizeof(unsigned long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    demand(mapping != MAP_FAILED, "mmap");
    return mapping;
}

static void play(unsigned me, unsigned long *counter, sem_t *played)
{
    sem_t *mine = open_semaphore(me == 0 ? "/ping" : "/pong", me == 0);
    sem_t *theirs = open_semaphore(me == 0 ? "/pong" : "/ping", me != 0);

    for (unsigned i = 0; i < ROUNDS; i++) {
        demand(sem_wait(mine) == 0, "sem_wait");
        ++*counter;
        demand(sem_post(played) == 0, "sem_post");
        demand(sem_post(theirs) == 0, "sem_post");
    }
}

int main(int argc, char **argv)
{
    int value;

    alarm(SECONDS);
    unsigned long *counter = open_counter();
    sem_t *played = open_semaphore("/played", 0);
    if (argc == 3)
        play(argv[2][0] == '1', counter, played);
    demand(sem_getvalue(played, &value) == 0, "sem_getvalue");
    if (argc != 3)
        printf("%lu %d\n", *counter, value);
    return EXIT_SUCCESS;
}
