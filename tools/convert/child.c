// SPDX-License-Identifier: BSD-2-Clause
#include "tools/convert/child.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

struct child {
    pid_t pid;
    int lock;
    int ended; // is readable then
    struct interruption *interruption;
    struct progress *progress; // NULL: none is shown
};

/* Becomes the program, which ends with its parent. */
_Noreturn static void become_program(char *const words[], int directory, const struct child *child,
                                     int errors, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && fchdir(directory) == 0 && dup2(errors, STDERR_FILENO) >= 0 &&
        dup(child->lock) >= 0) {
        setpgid(0, 0); // the terminal's signals are ours
        sigprocmask(SIG_SETMASK, &child->interruption->before, NULL);
        execvp(words[0], words);
        dprintf(STDERR_FILENO, "%s: %s", words[0], strerror(errno));
    }
    _exit(EXIT_FAILURE);
}

static uint64_t free_bytes(int directory)
{
    struct statvfs room;

    return fstatvfs(directory, &room) == 0 ? (uint64_t)room.f_bfree * room.f_frsize : 0;
}

/* Shows how much room the program has taken so far. Its own count (/proc/PID/io) has a
 * copy_file_range(2) when that is done. */
static void show_progress(const struct child *child, int directory, uint64_t before)
{
    uint64_t now = free_bytes(directory);

    progress_show(child->progress, "copying", now < before ? before - now : 0);
}

/* Waits for the end of the program, or ends it. Returns its status. */
static int await(const struct child *child, int directory)
{
    uint64_t before = free_bytes(directory);
    struct pollfd fds[] = { { .fd = child->ended, .events = POLLIN },
                            { .fd = child->interruption->fd, .events = POLLIN } };
    bool shown = child->progress && child->progress->shown;
    int status = -1;

    while (child->ended >= 0 && !fds[0].revents) {
        if (poll(fds, 2, shown ? PROGRESS_PERIOD : -1) < 0 && errno != EINTR)
            break;
        if (fds[1].revents && interruption_came(child->interruption)) {
            kill(child->pid, SIGKILL);
            break;
        }
        if (shown && !fds[0].revents)
            show_progress(child, directory, before);
    }
    waitpid(child->pid, &status, 0);
    return status;
}

static int run_to_its_end(char *const words[], int directory, struct child *child,
                          struct last_words *said)
{
    CLEANUP_FD int errors = memfd_create("errors", MFD_CLOEXEC);
    pid_t parent = getpid();
    ssize_t length;
    int status;

    *said = (struct last_words){ .text = "" };
    child->pid = errors < 0 ? -1 : fork();
    if (child->pid < 0) {
        snprintf(said->text, sizeof(said->text), "%s: %s", words[0], strerror(errno));
        return -EIO;
    }
    if (child->pid == 0)
        become_program(words, directory, child, errors, parent);
    child->ended = (int)syscall(SYS_pidfd_open, child->pid, 0);
    status = await(child, directory);
    if (child->ended >= 0)
        close(child->ended);
    if (child->progress)
        progress_end(child->progress);
    if (child->interruption->signal)
        return -EINTR;
    if (status == 0)
        return 0;
    length = pread(errors, said->text, sizeof(said->text) - 1, 0);
    said->text[length > 0 ? length : 0] = '\0';
    said->text[strcspn(said->text, "\n")] = '\0';
    if (!*said->text)
        snprintf(said->text, sizeof(said->text), "%s has ended with status %d", words[0],
                 WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return -EIO;
}

int child_copy(int from, int to, int lock, struct interruption *interruption,
               struct progress *progress, struct last_words *words)
{
    struct child child = { .lock = lock, .interruption = interruption, .progress = progress };
    int inherited = dup(from); // which an execution does not close
    char source[32];
    char *const line[] = { (char[]){ "cp" }, (char[]){ "-a" }, (char[]){ "--" },
                           source,           (char[]){ "." },  NULL };
    int result;

    if (inherited < 0)
        err(EXIT_FAILURE, NULL);
    snprintf(source, sizeof(source), "/proc/self/fd/%d/.", inherited);
    result = run_to_its_end(line, to, &child, words);
    close(inherited);
    return result;
}

int child_remove(int directory, const char *name, struct interruption *interruption,
                 struct last_words *words)
{
    struct child child = { .lock = directory, .interruption = interruption };
    char *const line[] = { (char[]){ "rm" }, (char[]){ "-rf" }, (char[]){ "--" },
                           (char *)(uintptr_t)name, NULL };

    return run_to_its_end(line, directory, &child, words);
}
