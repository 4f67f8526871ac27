// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/commands/traced_command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/mount/workspace/program.h"

pid_t start_traced(int (*prepare)(void), const char *const words[])
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        int said = open("said", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        dup2(said, STDOUT_FILENO);
        dup2(said, STDERR_FILENO);
        if (prepare && prepare() != 0)
            _exit(126);
        // Leaks cannot be looked for in a process that is traced.
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execv(shmapctl(), (char *const *)words);
        _exit(127);
    }
    assert_ok(pid);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSTOPPED(status));
    assert_ok(
        ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)));
    return pid;
}

bool go_to_next(pid_t pid, bool (*is_wanted)(uint64_t number), uint64_t *number, int *status)
{
    long signal = 0;

    for (;;) {
        struct __ptrace_syscall_info info = { .op = 0 };
        assert_ok(ptrace(PTRACE_SYSCALL, pid, NULL, (void *)signal));
        assert_int_equal(waitpid(pid, status, 0), pid);
        if (!WIFSTOPPED(*status))
            return false;
        signal = WSTOPSIG(*status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(*status);
        if (signal)
            continue;
        ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info);
        *number = info.op == PTRACE_SYSCALL_INFO_ENTRY ? info.entry.nr : 0;
        if (*number && is_wanted(*number))
            return true;
    }
}

bool kill_traced_at(const char *const words[], bool (*is_wanted)(uint64_t number), int step,
                    int signal)
{
    pid_t pid = start_traced(NULL, words);
    uint64_t number;
    int status = 0;

    for (int i = 0; i < step; i++) {
        if (!go_to_next(pid, is_wanted, &number, &status)) {
            assert_int_equal(status, 0);
            return false;
        }
    }
    assert_ok(kill(pid, signal));
    if (signal == SIGKILL)
        assert_int_equal(waitpid(pid, &status, 0), pid);
    else
        while (go_to_next(pid, is_wanted, &number, &status))
            ;
    return true;
}

void assert_said(const char *words)
{
    char said[1024];
    FILE *file = fopen("said", "re");

    assert_non_null(file);
    said[fread(said, 1, sizeof(said) - 1, file)] = '\0';
    assert_ok(fclose(file));
    if (strstr(said, words) == NULL)
        fail_msg("no «%s» in: %s", words, said);
}
