// SPDX-License-Identifier: BSD-2-Clause
#include "tools/top/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

// The alternate screen, without a cursor, and with lines that end at the edge.
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

enum { ROWS_WHEN_UNKNOWN = 24 };

static void fill_signals(sigset_t *set)
{
    static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH };

    sigemptyset(set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(set, numbers[i]);
}

/* Has keys come one by one and unseen. A job in the background is not given any. */
static void take_keys(struct screen *screen)
{
    struct termios now;

    screen->keys = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp() &&
                   tcgetattr(STDIN_FILENO, &screen->before) == 0;
    if (!screen->keys)
        return;
    now = screen->before;
    now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &now);
}

static void enter(struct screen *screen)
{
    take_keys(screen);
    fputs(ENTER, stdout);
    fflush(stdout);
}

static void leave(struct screen *screen)
{
    fputs(LEAVE, stdout);
    fflush(stdout);
    if (screen->keys)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
}

int screen_begin(struct screen *screen)
{
    sigset_t set;

    fill_signals(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
    screen->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (screen->signals < 0)
        return -errno;
    enter(screen);
    return 0;
}

void screen_draw(const char *text, size_t length)
{
    struct winsize size;
    const char *end = text + length, *line = text;
    unsigned rows = ROWS_WHEN_UNKNOWN;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0)
        rows = size.ws_row;
    fputs("\033[H", stdout);
    for (unsigned row = 0; row < rows && line < end; row++) {
        const char *next = memchr(line, '\n', (size_t)(end - line));

        next = next ? next : end;
        // A new line after the last one would move all of them up.
        printf("%s%.*s\033[K", row > 0 ? "\n" : "", (int)(next - line), line);
        line = next + 1;
    }
    fputs("\033[J", stdout);
    fflush(stdout);
}

/* Stops as the terminal wants it, with its screen given back meanwhile. */
static void stop(struct screen *screen)
{
    leave(screen);
    raise(SIGSTOP);
    enter(screen);
}

/* Returns the number of a signal that ends the program; 0: none has come. */
static int take_signals(struct screen *screen)
{
    struct signalfd_siginfo info;

    while (read(screen->signals, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo == SIGTSTP)
            stop(screen);
        else if (info.ssi_signo != SIGWINCH)
            return (int)info.ssi_signo;
    }
    return 0;
}

/* Returns whether q was pressed, or the terminal has gone. */
static bool wants_end(struct screen *screen)
{
    char keys[16];
    ssize_t count = read(STDIN_FILENO, keys, sizeof(keys));

    screen->keys = count > 0;
    return count <= 0 || memchr(keys, 'q', (size_t)count);
}

bool screen_wait(struct screen *screen, int limit, int *number)
{
    struct pollfd events[] = { { .fd = screen->signals, .events = POLLIN },
                               { .fd = screen->keys ? STDIN_FILENO : -1, .events = POLLIN } };

    *number = 0;
    if (poll(events, 2, limit) <= 0)
        return true;
    if (events[0].revents)
        *number = take_signals(screen);
    return *number == 0 && !(events[1].revents && wants_end(screen));
}

void screen_end(struct screen *screen, int number)
{
    sigset_t set;

    leave(screen);
    close(screen->signals);
    fill_signals(&set);
    if (number != 0)
        raise(number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
