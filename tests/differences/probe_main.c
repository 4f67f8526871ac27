// SPDX-License-Identifier: BSD-2-Clause
/* probe DIRECTORY: asks all questions in a directory, and prints a line «CALL <tab> ANSWER» for
 * each. */
#include "tests/differences/probe.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* No answer takes long; a process that waits for ever is an answer, too. */
enum { SECONDS = 500 };

void says(struct answer *answer, const char *text)
{
    snprintf(answer->text, sizeof(answer->text), "%s", text);
}

void says_result(struct answer *answer, long result)
{
    says(answer, result == -1 ? strerrorname_np(errno) : "ok");
}

void need(bool done, const char *what)
{
    if (!done)
        err(EXIT_FAILURE, "%s", what);
}

int make_file(const char *name, size_t size)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    char *bytes = malloc(size + 1);

    need(fd >= 0 && bytes != NULL, name);
    memset(bytes, 'd', size);
    need(pwrite(fd, bytes, size, 0) == (ssize_t)size, "pwrite");
    free(bytes);
    return fd;
}

void *map_file(int fd, size_t size)
{
    void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    need(address != MAP_FAILED, "mmap");
    return address;
}

static void ask(const struct probe *probe, const char *directory)
{
    struct answer answer = { "no answer" };
    int status, answers[2];

    need(pipe2(answers, O_CLOEXEC) == 0 && mkdir(directory, 0755) == 0, directory);
    pid_t child = fork();
    need(child >= 0, "fork");
    if (child == 0) {
        need(chdir(directory) == 0, directory);
        alarm(SECONDS);
        probe->ask(&answer);
        need(write(answers[1], &answer, sizeof(answer)) == sizeof(answer), "write");
        _exit(EXIT_SUCCESS);
    }
    close(answers[1]);
    need(waitpid(child, &status, 0) == child, "waitpid");
    need(read(answers[0], &answer, sizeof(answer)) >= 0, "read");
    close(answers[0]);
    if (status != 0)
        snprintf(answer.text, sizeof(answer.text), "ends with %#x", (unsigned)status);
    printf("%s\t%s\n", probe->call, answer.text);
}

int main(int argc, char **argv)
{
    static const struct probe *const groups[] = { EXTENT_PROBES, PAGE_PROBES,   LOCK_PROBES,
                                                  NAME_PROBES,   HANDLE_PROBES, ATTRIBUTE_PROBES };
    char directory[16];
    unsigned count = 0;

    if (argc != 2)
        errx(EXIT_FAILURE, "usage: probe DIRECTORY");
    setvbuf(stdout, NULL, _IOLBF, 0);
    need(chdir(argv[1]) == 0, argv[1]);
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (const struct probe *probe = groups[i]; probe->call; probe++) {
            snprintf(directory, sizeof(directory), "%u", count++);
            ask(probe, directory);
        }
    }
    return EXIT_SUCCESS;
}
