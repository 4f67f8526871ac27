// SPDX-License-Identifier: BSD-2-Clause
// Locks, conditions, semaphores and futexes that live in a mapping and are shared by processes that
// opened separately.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/harness.h"
#include "tests/mount/harness/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 4, ROUNDS = 500 };

/* The memory that the processes share. */
struct ipc_memory {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    sem_t full;
    sem_t empty;
    atomic_uint word;
    unsigned long counter;
    int turn;
};

static struct ipc_memory *open_shared(void)
{
    return (struct ipc_memory *)map_path("file", sizeof(struct ipc_memory));
}

static struct timespec deadline(void)
{
    struct timespec when;

    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_sec += WAIT_SECONDS;
    return when;
}

static struct ipc_memory *new_shared(void)
{
    pthread_mutexattr_t mutex;
    pthread_condattr_t condition;

    assert_ok(close(new_file("file", sizeof(struct ipc_memory))));
    struct ipc_memory *shared = open_shared();
    assert_non_null(shared);
    assert_int_equal(pthread_mutexattr_init(&mutex), 0);
    assert_int_equal(pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED), 0);
    assert_int_equal(pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST), 0);
    assert_int_equal(pthread_mutex_init(&shared->mutex, &mutex), 0);
    assert_int_equal(pthread_condattr_init(&condition), 0);
    assert_int_equal(pthread_condattr_setpshared(&condition, PTHREAD_PROCESS_SHARED), 0);
    assert_int_equal(pthread_cond_init(&shared->changed, &condition), 0);
    assert_int_equal(sem_init(&shared->full, 1, 0), 0);
    assert_int_equal(sem_init(&shared->empty, 1, 1), 0);
    return shared;
}

static void start_all(struct coprocess *coprocesses, coprocess_body body, void *argument)
{
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(coprocess_start(&coprocesses[i], body, argument), 0);
}

static void end_all(struct coprocess *coprocesses)
{
    for (int i = 0; i < WORKERS; i++)
        assert_coprocess_succeeds(&coprocesses[i]);
}

static int count_under_mutex(struct coprocess *parent, void *argument)
{
    struct ipc_memory *shared = open_shared();
    struct timespec end = deadline();

    (void)parent;
    (void)argument;
    coprocess_check(shared != NULL);
    for (int i = 0; i < ROUNDS; i++) {
        coprocess_check(pthread_mutex_timedlock(&shared->mutex, &end) == 0);
        shared->counter++;
        coprocess_check(pthread_mutex_unlock(&shared->mutex) == 0);
    }
    return 0;
}

static void mutex_excludes(void **state)
{
    struct coprocess coprocesses[WORKERS];

    (void)state;
    struct ipc_memory *shared = new_shared();
    start_all(coprocesses, count_under_mutex, NULL);
    end_all(coprocesses);
    assert_int_equal(shared->counter, WORKERS * ROUNDS);
    unmap(shared, sizeof(*shared));
}

static int die_with_mutex(struct coprocess *parent, void *argument)
{
    struct ipc_memory *shared = open_shared();

    (void)argument;
    coprocess_check(shared != NULL);
    coprocess_check(pthread_mutex_lock(&shared->mutex) == 0);
    shared->counter = 7;
    coprocess_check(coprocess_give_turn(parent));
    coprocess_check(coprocess_await_turn(parent));
    return 0;
}

static void mutex_of_a_dead_owner_is_handed_on(void **state)
{
    struct timespec end = deadline();
    struct coprocess coprocess;

    (void)state;
    struct ipc_memory *shared = new_shared();
    assert_int_equal(coprocess_start(&coprocess, die_with_mutex, NULL), 0);
    assert_true(coprocess_await_turn(&coprocess));
    assert_int_equal(pthread_mutex_trylock(&shared->mutex), EBUSY);
    assert_true(coprocess_give_turn(&coprocess));
    assert_int_equal(pthread_mutex_timedlock(&shared->mutex, &end), EOWNERDEAD);
    assert_int_equal(shared->counter, 7);
    assert_int_equal(pthread_mutex_consistent(&shared->mutex), 0);
    assert_int_equal(pthread_mutex_unlock(&shared->mutex), 0);
    assert_int_equal(pthread_mutex_timedlock(&shared->mutex, &end), 0);
    assert_int_equal(pthread_mutex_unlock(&shared->mutex), 0);
    assert_coprocess_succeeds(&coprocess);
    unmap(shared, sizeof(*shared));
}

/* Waits until it is this process' turn, and passes the turn on. */
static int take_turns(struct ipc_memory *shared, int mine, int rounds)
{
    struct timespec end = deadline();

    for (int i = 0; i < rounds; i++) {
        coprocess_check(pthread_mutex_timedlock(&shared->mutex, &end) == 0);
        while (shared->turn != mine)
            coprocess_check(pthread_cond_timedwait(&shared->changed, &shared->mutex, &end) == 0);
        shared->turn = 1 - mine;
        shared->counter++;
        coprocess_check(pthread_cond_signal(&shared->changed) == 0);
        coprocess_check(pthread_mutex_unlock(&shared->mutex) == 0);
    }
    return 0;
}

static int take_second_turns(struct coprocess *parent, void *argument)
{
    struct ipc_memory *shared = open_shared();

    (void)parent;
    coprocess_check(shared != NULL);
    return take_turns(shared, 1, *(int *)argument);
}

static void condition_variable_wakes_the_other_process(void **state)
{
    int rounds = ROUNDS;
    struct coprocess coprocess;

    (void)state;
    struct ipc_memory *shared = new_shared();
    assert_int_equal(coprocess_start(&coprocess, take_second_turns, &rounds), 0);
    assert_int_equal(take_turns(shared, 0, rounds), 0);
    assert_coprocess_succeeds(&coprocess);
    assert_int_equal(shared->counter, 2 * ROUNDS);
    unmap(shared, sizeof(*shared));
}

static int consume(struct coprocess *parent, void *argument)
{
    struct ipc_memory *shared = open_shared();
    struct timespec end = deadline();

    (void)parent;
    (void)argument;
    coprocess_check(shared != NULL);
    for (int i = 0; i < ROUNDS; i++) {
        coprocess_check(sem_timedwait(&shared->full, &end) == 0);
        coprocess_check(shared->turn == i);
        coprocess_check(sem_post(&shared->empty) == 0);
    }
    return 0;
}

static void semaphores_hand_over(void **state)
{
    struct timespec end = deadline();
    struct coprocess coprocess;

    (void)state;
    struct ipc_memory *shared = new_shared();
    assert_int_equal(coprocess_start(&coprocess, consume, NULL), 0);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(sem_timedwait(&shared->empty, &end), 0);
        shared->turn = i;
        assert_int_equal(sem_post(&shared->full), 0);
    }
    assert_coprocess_succeeds(&coprocess);
    unmap(shared, sizeof(*shared));
}

/* Sleeps until the word is not `seen` any more; false after WAIT_SECONDS. */
static bool futex_wait_change(atomic_uint *word, unsigned seen)
{
    struct timespec timeout = { .tv_sec = WAIT_SECONDS };

    while (atomic_load(word) == seen)
        if (syscall(SYS_futex, word, FUTEX_WAIT, seen, &timeout, NULL, 0) == -1 &&
            errno == ETIMEDOUT)
            return false;
    return true;
}

static int answer_futex(struct coprocess *parent, void *argument)
{
    struct ipc_memory *shared = open_shared();

    (void)parent;
    (void)argument;
    coprocess_check(shared != NULL);
    for (unsigned i = 0; i < ROUNDS; i++) {
        coprocess_check(futex_wait_change(&shared->word, 2 * i));
        atomic_store(&shared->word, 2 * i + 2);
        coprocess_check(syscall(SYS_futex, &shared->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0) !=
                        -1);
    }
    return 0;
}

static void futex_wakes_across_separate_opens(void **state)
{
    struct coprocess coprocess;

    (void)state;
    struct ipc_memory *shared = new_shared();
    assert_int_equal(coprocess_start(&coprocess, answer_futex, NULL), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        atomic_store(&shared->word, 2 * i + 1);
        assert_ok(syscall(SYS_futex, &shared->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0));
        assert_true(futex_wait_change(&shared->word, 2 * i + 1));
        assert_int_equal(atomic_load(&shared->word), 2 * i + 2);
    }
    assert_coprocess_succeeds(&coprocess);
    unmap(shared, sizeof(*shared));
}

static int count_atomically(struct coprocess *parent, void *argument)
{
    struct ipc_memory *shared = open_shared();

    (void)parent;
    (void)argument;
    coprocess_check(shared != NULL);
    for (int i = 0; i < 100 * ROUNDS; i++)
        atomic_fetch_add(&shared->word, 1);
    return 0;
}

static void atomics_lose_nothing(void **state)
{
    struct coprocess coprocesses[WORKERS];

    (void)state;
    struct ipc_memory *shared = new_shared();
    start_all(coprocesses, count_atomically, NULL);
    end_all(coprocesses);
    assert_int_equal(atomic_load(&shared->word), WORKERS * 100 * ROUNDS);
    unmap(shared, sizeof(*shared));
}

static int count_under_flock(struct coprocess *parent, void *argument)
{
    struct ipc_memory *shared = open_shared();
    int fd = open("file", O_RDWR);

    (void)parent;
    (void)argument;
    coprocess_check(shared != NULL);
    coprocess_check(fd != -1);
    for (int i = 0; i < ROUNDS; i++) {
        coprocess_check(flock(fd, LOCK_EX) == 0);
        shared->counter++;
        coprocess_check(flock(fd, LOCK_UN) == 0);
    }
    return 0;
}

static void flock_guards_a_counter(void **state)
{
    struct coprocess coprocesses[WORKERS];

    (void)state;
    struct ipc_memory *shared = new_shared();
    start_all(coprocesses, count_under_flock, NULL);
    end_all(coprocesses);
    assert_int_equal(shared->counter, WORKERS * ROUNDS);
    unmap(shared, sizeof(*shared));
}

static int count_under_record_lock(struct coprocess *parent, void *argument)
{
    int command = *(int *)argument;
    int fd = open("file", O_RDWR);

    (void)parent;
    coprocess_check(fd != -1);
    for (int i = 0; i < ROUNDS; i++) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 8 };
        unsigned long counter;
        coprocess_check(fcntl(fd, command, &lock) == 0);
        coprocess_check(pread(fd, &counter, sizeof(counter), 0) == sizeof(counter));
        counter++;
        coprocess_check(pwrite(fd, &counter, sizeof(counter), 0) == sizeof(counter));
        lock.l_type = F_UNLCK;
        coprocess_check(fcntl(fd, command, &lock) == 0);
    }
    return 0;
}

static void record_locks_guard(int command)
{
    struct coprocess coprocesses[WORKERS];
    unsigned long counter = 0;

    int fd = new_file("file", sizeof(counter));
    start_all(coprocesses, count_under_record_lock, &command);
    end_all(coprocesses);
    assert_int_equal(pread(fd, &counter, sizeof(counter), 0), sizeof(counter));
    assert_int_equal(counter, WORKERS * ROUNDS);
    assert_ok(close(fd));
}

static void posix_locks_guard_a_counter(void **state)
{
    (void)state;
    record_locks_guard(F_SETLKW);
}

static void ofd_locks_guard_a_counter(void **state)
{
    (void)state;
    record_locks_guard(F_OFD_SETLKW);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(mutex_excludes),
    cmocka_unit_test(mutex_of_a_dead_owner_is_handed_on),
    cmocka_unit_test(condition_variable_wakes_the_other_process),
    cmocka_unit_test(semaphores_hand_over),
    cmocka_unit_test(futex_wakes_across_separate_opens),
    cmocka_unit_test(atomics_lose_nothing),
    cmocka_unit_test(flock_guards_a_counter),
    cmocka_unit_test(posix_locks_guard_a_counter),
    cmocka_unit_test(ofd_locks_guard_a_counter),
};

HARNESS_MAIN("ipc", cases)
