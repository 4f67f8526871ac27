// SPDX-License-Identifier: BSD-2-Clause
/* Two processes that share nothing but the path of a file play together, by all that glibc offers
 * for that, so many rounds of each:
 *
 *     synchronise first PATH     makes the file, says «ready», and waits for the second
 *     synchronise second PATH    plays with the first, and dies with a mutex in its hands
 *     synchronise read PATH      says what an earlier game has left there
 *
 * Each has the file mapped twice, and takes now this mapping and now that one: what is waited for
 * has four addresses. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROUNDS = 3000, SECONDS = 500 };

struct game {
    pthread_mutex_t mutex; // robust
    pthread_cond_t condition;
    pthread_rwlock_t lock;
    pthread_barrier_t barrier;
    sem_t semaphores[2];
    _Atomic uint32_t futex;
    unsigned turn;             // under the mutex
    unsigned long left, right; // under the lock: equal, but for its holder
    unsigned long by_mutex, by_condition, by_lock, by_semaphore, by_futex, by_owner;
};

static void demand(int error, const char *what)
{
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(error));
        exit(EXIT_FAILURE);
    }
}

static void demand_zero(int result, const char *what)
{
    demand(result == 0 ? 0 : errno, what);
}

static void increment(struct game *games[2], unsigned me)
{
    (void)me;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct game *game = games[i % 2];
        demand(pthread_mutex_lock(&game->mutex), "mutex");
        game->by_mutex++;
        demand(pthread_mutex_unlock(&game->mutex), "mutex");
    }
}

static void wait_for_condition(struct game *games[2], unsigned me)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct game *game = games[i % 2];
        demand(pthread_mutex_lock(&game->mutex), "mutex");
        while (game->turn != me)
            demand(pthread_cond_wait(&game->condition, &game->mutex), "condition");
        game->by_condition++;
        game->turn = 1 - me;
        demand(pthread_cond_signal(&game->condition), "condition");
        demand(pthread_mutex_unlock(&game->mutex), "mutex");
    }
}

static void read_and_write(struct game *games[2], unsigned me)
{
    (void)me;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct game *game = games[i % 2];
        demand(pthread_rwlock_rdlock(&game->lock), "read lock");
        demand(game->left == game->right ? 0 : EBADMSG, "what a reader found");
        demand(pthread_rwlock_unlock(&game->lock), "read lock");
        demand(pthread_rwlock_wrlock(&game->lock), "write lock");
        game->left++;
        game->by_lock++;
        game->right++;
        demand(pthread_rwlock_unlock(&game->lock), "write lock");
    }
}

static void wait_for_semaphore(struct game *games[2], unsigned me)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct game *game = games[i % 2];
        demand_zero(sem_wait(&game->semaphores[me]), "semaphore");
        game->by_semaphore++;
        demand_zero(sem_post(&game->semaphores[1 - me]), "semaphore");
    }
}

/* Waits at one address and wakes at the other. */
static void wait_for_futex(struct game *games[2], unsigned me)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        while (atomic_load(&games[0]->futex) != me) {
            long waited = syscall(SYS_futex, &games[0]->futex, FUTEX_WAIT, 1 - me, NULL, NULL, 0);
            if (waited != 0 && errno != EAGAIN && errno != EINTR)
                demand(errno, "futex");
        }
        games[1]->by_futex++;
        atomic_store(&games[1]->futex, 1 - me);
        if (syscall(SYS_futex, &games[1]->futex, FUTEX_WAKE, 1, NULL, NULL, 0) < 0)
            demand(errno, "futex");
    }
}

static void meet(struct game *game)
{
    int error = pthread_barrier_wait(&game->barrier);
    demand(error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error, "barrier");
}

static void play(struct game *games[2], unsigned me)
{
    static void (*const plays[])(struct game *[2], unsigned) = {
        increment, wait_for_condition, read_and_write, wait_for_semaphore, wait_for_futex,
    };

    for (size_t i = 0; i < sizeof(plays) / sizeof(plays[0]); i++) {
        meet(games[i % 2]);
        plays[i](games, me);
    }
}

static void die_with_mutex(struct game *games[2])
{
    demand(pthread_mutex_lock(&games[0]->mutex), "mutex");
    meet(games[1]);
    raise(SIGKILL);
}

static void inherit_mutex(struct game *games[2])
{
    meet(games[0]);
    int error = pthread_mutex_lock(&games[1]->mutex);
    demand(error == EOWNERDEAD ? 0 : EBADMSG, "the mutex of somebody who died");
    demand(pthread_mutex_consistent(&games[0]->mutex), "mutex made consistent");
    demand(pthread_mutex_unlock(&games[0]->mutex), "mutex");
    demand(pthread_mutex_lock(&games[1]->mutex), "mutex that was made consistent");
    games[0]->by_owner++;
    demand(pthread_mutex_unlock(&games[1]->mutex), "mutex");
}

static void init(struct game *game)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t condition;
    pthread_rwlockattr_t lock;
    pthread_barrierattr_t barrier;

    demand(pthread_mutexattr_init(&mutex), "mutex");
    demand(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED), "mutex");
    demand(pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST), "mutex");
    demand(pthread_mutex_init(&game->mutex, &mutex), "mutex");
    demand(pthread_condattr_init(&condition), "condition");
    demand(pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED), "condition");
    demand(pthread_cond_init(&game->condition, &condition), "condition");
    demand(pthread_rwlockattr_init(&lock), "lock");
    demand(pthread_rwlockattr_setpshared(&lock, PTHREAD_PROCESS_SHARED), "lock");
    demand(pthread_rwlock_init(&game->lock, &lock), "lock");
    demand(pthread_barrierattr_init(&barrier), "barrier");
    demand(pthread_barrierattr_setpshared(&barrier, PTHREAD_PROCESS_SHARED), "barrier");
    demand(pthread_barrier_init(&game->barrier, &barrier, 2), "barrier");
    for (unsigned i = 0; i < 2; i++)
        demand_zero(sem_init(&game->semaphores[i], 1, i == 0), "semaphore");
}

static void map_twice(const char *path, int flags, struct game *games[2])
{
    int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);

    demand_zero(fd < 0, path);
    if (flags & O_CREAT)
        demand_zero(ftruncate(fd, sizeof(struct game)), "ftruncate");
    for (unsigned i = 0; i < 2; i++) {
        void *mapping = mmap(NULL, sizeof(struct game), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        demand_zero(mapping == MAP_FAILED, "mmap");
        games[i] = mapping;
    }
    demand_zero(close(fd), "close");
}

static void say(const struct game *game)
{
    printf("mutex %lu condition %lu lock %lu semaphore %lu futex %lu owner %lu\n", game->by_mutex,
           game->by_condition, game->by_lock, game->by_semaphore, game->by_futex, game->by_owner);
}

int main(int argc, char **argv)
{
    struct game *games[2];

    if (argc != 3)
        return EXIT_FAILURE;
    alarm(SECONDS);
    if (strcmp(argv[1], "first") == 0) {
        map_twice(argv[2], O_CREAT | O_EXCL, games);
        init(games[0]);
        puts("ready");
        fflush(stdout);
        play(games, 0);
        inherit_mutex(games);
    } else if (strcmp(argv[1], "second") == 0) {
        map_twice(argv[2], 0, games);
        play(games, 1);
        die_with_mutex(games);
    } else {
        map_twice(argv[2], 0, games);
    }
    say(games[1]);
    return EXIT_SUCCESS;
}
