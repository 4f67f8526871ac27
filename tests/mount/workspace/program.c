// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/workspace/program.h"

#include "tests/mount/harness/coprocess.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_WORDS = 64 };

const char *shmapfs(void)
{
    return getenv("SHMAPFS");
}

const char *shmapctl(void)
{
    return getenv("SHMAPCTL");
}

int output_memory(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);

    assert_ok(fd);
    // The kernel guards the position of a memfd from no other writer.
    assert_ok(fcntl(fd, F_SETFL, O_APPEND));
    return fd;
}

static void read_back(int fd, char *text, size_t size)
{
    ssize_t length = pread(fd, text, size - 1, 0);

    assert_ok(length);
    text[length] = '\0';
    assert_ok(close(fd));
}

/* In the child. Signals are as a shell would have them, not as the case has them. */
static _Noreturn void execute_words(char *const words[], int out, int err)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // A shell has what it runs in the background ignore these.
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    execvp(words[0], words);
    dprintf(err, "%s: %s\n", words[0], strerror(errno));
    _exit(127);
}

struct program_result run_program_words(char *const words[])
{
    struct program_result result;
    int out = output_memory("out");
    int err = output_memory("err");

    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        execute_words(words, out, err);
    assert_ok(pid);
    result.status = wait_for_process(pid);
    read_back(out, result.out, sizeof(result.out));
    read_back(err, result.err, sizeof(result.err));
    return result;
}

struct program_result run_program(const char *program, ...)
{
    char *words[MOST_WORDS] = { (char *)(uintptr_t)program };
    size_t count = 1;
    va_list rest;

    va_start(rest, program);
    while (count < MOST_WORDS - 1 && (words[count] = va_arg(rest, char *)) != NULL)
        count++;
    va_end(rest);
    return run_program_words(words);
}

void assert_done(const struct program_result *result)
{
    if (result->status != 0 || result->err[0] != '\0')
        fail_msg("status %d, standard error: %s", result->status, result->err);
}

static bool begins_with_a_program(const char *line)
{
    return strncmp(line, "shmapfs: ", 9) == 0 || strncmp(line, "shmapctl: ", 10) == 0;
}

void assert_refused(const struct program_result *result, int status, ...)
{
    const char *word;
    const char *end = strchr(result->err, '\n');
    va_list words;

    if (result->status != status)
        fail_msg("status %d; wanted %d; standard error: %s", result->status, status, result->err);
    assert_string_equal(result->out, "");
    if (!begins_with_a_program(result->err) || end == NULL || end[1] != '\0')
        fail_msg("not one line of ours: %s", result->err);
    va_start(words, status);
    while ((word = va_arg(words, const char *)) != NULL)
        if (strcasestr(result->err, word) == NULL)
            fail_msg("does not say '%s': %s", word, result->err);
    va_end(words);
}
