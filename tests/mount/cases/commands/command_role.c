// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/commands/command_role.h"

#include "tests/mount/harness/coprocess.h"

#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define check(condition)                                              \
    do {                                                              \
        if (!(condition)) {                                           \
            fprintf(stderr, "%s: %s\n", #condition, strerror(errno)); \
            return EXIT_FAILURE;                                      \
        }                                                             \
    } while (0)

struct shared_counter {
    sem_t asked;
    int number;
};

static int share_again(void)
{
    int fd = shm_open("/shared", O_RDWR, 0);
    check(fd >= 0);
    struct shared_counter *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(shared != MAP_FAILED);
    sem_t *answered = sem_open("/answered", 0);
    check(answered != SEM_FAILED);
    check(sem_wait(&shared->asked) == 0);
    shared->number++;
    return sem_post(answered);
}

/* Two programs, an unnamed and a named semaphore between them. */
static int share(void)
{
    int fd = shm_open("/shared", O_RDWR | O_CREAT | O_EXCL, 0600);
    check(fd >= 0);
    check(ftruncate(fd, sizeof(struct shared_counter)) == 0);
    struct shared_counter *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(shared != MAP_FAILED);
    check(sem_init(&shared->asked, 1, 0) == 0);
    shared->number = 41;
    sem_t *answered = sem_open("/answered", O_CREAT | O_EXCL, 0600, 0);
    check(answered != SEM_FAILED);
    pid_t other = fork();
    if (other == 0) {
        execl("/proc/self/exe", "share", COMMAND_ROLE, "share_again", NULL);
        _exit(EXIT_FAILURE);
    }
    check(sem_post(&shared->asked) == 0);
    check(wait_for_process(other) == 0);
    check(sem_trywait(answered) == 0);
    check(shared->number == 42);
    check(sem_unlink("/answered") == 0);
    return shm_unlink("/shared");
}

static int reserve_too_much(void)
{
    int fd = shm_open("/large", O_RDWR | O_CREAT, 0600);
    check(fd >= 0);
    check(posix_fallocate(fd, 0, 512 << 10) == 0);
    check(posix_fallocate(fd, 0, 4 << 20) == ENOSPC);
    return EXIT_SUCCESS;
}

static bool write_line(const char *line)
{
    return write(STDOUT_FILENO, line, strlen(line)) == (ssize_t)strlen(line);
}

static int overflow(void)
{
    const size_t size = 8 << 20;
    int fd = shm_open("/large", O_RDWR | O_CREAT, 0600);
    check(fd >= 0);
    check(ftruncate(fd, (off_t)size) == 0);
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory != MAP_FAILED);
    memset(memory, 1, size);
    return EXIT_SUCCESS;
}

static int burst(void)
{
    const off_t page = sysconf(_SC_PAGESIZE);
    int fd = shm_open("/large", O_RDWR | O_CREAT, 0600);
    int error = 0;
    check(fd >= 0);
    for (off_t i = 0; error == 0; i++)
        error = posix_fallocate(fd, i * page, page);
    check(error == ENOSPC);
    return raise(SIGBUS);
}

static bool is_at_end(int fd)
{
    char byte;

    return read(fd, &byte, 1) == 0;
}

static int tracker(void)
{
    int alive[2];

    check(pipe(alive) == 0);
    check(shm_open("/object", O_RDWR | O_CREAT, 0600) >= 0);
    if (fork() != 0)
        return EXIT_SUCCESS;
    check(close(alive[1]) == 0);
    check(is_at_end(alive[0]));
    check(shm_unlink("/object") == 0);
    return EXIT_SUCCESS;
}

static int left(void)
{
    int fd = shm_open("/object", O_RDWR | O_CREAT, 0600);
    check(fd >= 0);
    check(close(fd) == 0);
    if (fork() != 0)
        return EXIT_SUCCESS;
    check(is_at_end(STDIN_FILENO));
    check(shm_open("/object", O_RDWR, 0) == -1 && errno == ENOENT);
    check(shm_unlink("/object") == -1 && errno == ENOENT);
    check(access("/dev/shm/object", F_OK) == -1 && errno == ENOENT);
    check(shm_open("/object", O_RDWR | O_CREAT, 0600) == -1 && errno == ENOSPC);
    check(write_line("gone\n"));
    return EXIT_SUCCESS;
}

static sigset_t block(int first, int second)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, first);
    sigaddset(&set, second);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return set;
}

/* Says which value a signal brings. */
static int value(void)
{
    sigset_t wanted = block(SIGRTMIN + 3, SIGRTMIN + 3);
    siginfo_t info;

    check(write_line("ready\n"));
    check(sigwaitinfo(&wanted, &info) == SIGRTMIN + 3);
    printf("%d %d\n", info.si_code == SI_QUEUE, info.si_value.sival_int);
    return EXIT_SUCCESS;
}

/* Ends with the number of the first signal, having sent another one to its parent. */
static int first_signal(void)
{
    sigset_t wanted = block(SIGUSR1, SIGTERM);

    check(kill(getppid(), SIGUSR1) == 0);
    check(write_line("ready\n"));
    return sigwaitinfo(&wanted, NULL);
}

/* Waits for a key, and looks whether it comes again before what is sent after it. */
static int key(void)
{
    const struct timespec now = { 0 };
    sigset_t wanted = block(SIGINT, SIGUSR1);

    check(write_line("ready\n"));
    check(sigwaitinfo(&wanted, NULL) == SIGINT);
    check(write_line("caught\n"));
    sigdelset(&wanted, SIGINT);
    check(sigwaitinfo(&wanted, NULL) == SIGUSR1);
    wanted = block(SIGINT, SIGINT);
    check(sigtimedwait(&wanted, NULL, &now) == -1);
    return EXIT_SUCCESS;
}

int play_command_role(const char *role)
{
    static const struct {
        const char *name;
        int (*play)(void);
    } roles[] = { { "share", share },
                  { "share_again", share_again },
                  { "fill", reserve_too_much },
                  { "overflow", overflow },
                  { "burst", burst },
                  { "tracker", tracker },
                  { "left", left },
                  { "first_signal", first_signal },
                  { "key", key },
                  { "value", value } };

    // A sanitizer would make another signal of it.
    signal(SIGBUS, SIG_DFL);
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (strcmp(role, roles[i].name) == 0)
            return roles[i].play();
    return EXIT_FAILURE;
}
