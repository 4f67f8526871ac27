// SPDX-License-Identifier: BSD-2-Clause
#include "fs/util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"
#include "lib/sys/escape.h"

#define TEXT_MAX   1024
#define PREFIX_MAX 64

/* How long a receiver of lines may hold up the daemon. */
#define WAIT_MS 100

enum target { TERMINAL, JOURNAL, SYSLOG };

void log_prepare(void)
{
    tzset();
}

/* Returns whether standard error is the stream that the system's journal gave to its service. */
static bool is_journal(const struct stat *st)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;

    return stream && sscanf(stream, "%ju:%ju", &device, &inode) == 2 && device == st->st_dev &&
           inode == st->st_ino;
}

static enum target find_target(void)
{
    struct stat st;

    if (fstat(STDERR_FILENO, &st) != 0)
        return SYSLOG;
    if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
        return SYSLOG;
    return is_journal(&st) ? JOURNAL : TERMINAL;
}

/* Writes what stands in front of a line; for syslog, what syslog(3) would write. */
static size_t make_prefix(enum target target, int level, char *prefix, size_t size)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t now = time(NULL);
    struct tm tm;

    if (target == TERMINAL)
        return (size_t)snprintf(prefix, size, "shmapfs: ");
    if (target == JOURNAL)
        return (size_t)snprintf(prefix, size, "<%d>", level);
    localtime_r(&now, &tm);
    return (size_t)snprintf(prefix, size,
                            "<%d>%.3s %2d %02d:%02d:%02d shmapfs[%d]: ", LOG_DAEMON | level,
                            months + (ptrdiff_t)3 * tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min,
                            tm.tm_sec, (int)getpid());
}

static void send_to_syslog(const char *line, size_t length)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
    const struct timeval patience = { .tv_usec = WAIT_MS * 1000L };
    CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    // If nobody takes the line it is lost, as with syslog(3).
    sendto(fd, line, length, MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof(address));
}

static void write_to_stderr(const char *line, size_t length)
{
    struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };

    if (poll(&room, 1, WAIT_MS) == 1 && write(STDERR_FILENO, line, length) < 0)
        return; // and there is nobody to tell
}

void vlog_event(int level, const char *format, va_list arguments)
{
    int saved = errno;
    char text[TEXT_MAX] = "";
    int whole = vsnprintf(text, sizeof(text), format, arguments);
    enum target target = find_target();
    char line[PREFIX_MAX + TEXT_MAX + 1];
    size_t length;

    for (int end = whole; end > 0 && end < TEXT_MAX && text[end - 1] == '\n'; end--)
        text[end - 1] = '\0';
    length = make_prefix(target, level, line, PREFIX_MAX);
    length += escape_text(text, true, line + length, TEXT_MAX);
    if (target == SYSLOG) {
        send_to_syslog(line, length);
    } else {
        line[length++] = '\n';
        write_to_stderr(line, length);
    }
    errno = saved;
}

void log_event(int level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vlog_event(level, format, arguments);
    va_end(arguments);
}
