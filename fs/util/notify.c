// SPDX-License-Identifier: BSD-2-Clause
#include "fs/util/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/util/clock.h"
#include "lib/sys/cleanup.h"

#define MESSAGE_MAX 1024

/* How long a service manager that does not listen may hold up the daemon. */
#define PATIENCE_US 100000

/* How many times in its period the manager hears that the daemon lives. */
#define BEATS 4

/* A longer period counts as this one. */
#define PERIOD_US_MAX UINT64_C(86400000000)

/* Returns a decimal number from the environment; 0: there is none, or it is malformed. */
static uint64_t environment_number(const char *name)
{
    const char *text = getenv(name);
    const char *wrong = NULL;
    long long number = text ? strtonum(text, 0, INT64_MAX, &wrong) : 0;

    return wrong ? 0 : (uint64_t)number;
}

static void find_address(struct notify *notify)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t length = path ? strlen(path) : 0;

    // In an abstract name each byte counts; a path needs room for its NUL.
    if (!path || (*path != '/' && *path != '@') || length < 2 ||
        length >= sizeof(notify->address.sun_path))
        return;
    notify->address.sun_family = AF_UNIX;
    memcpy(notify->address.sun_path, path, length);
    if (*path == '@')
        notify->address.sun_path[0] = '\0';
    notify->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

void notify_prepare(struct notify *notify)
{
    bool for_another =
        getenv("WATCHDOG_PID") && environment_number("WATCHDOG_PID") != (uint64_t)getpid();

    *notify =
        (struct notify){ .watchdog_us = for_another ? 0 : environment_number("WATCHDOG_USEC") };
    find_address(notify);
}

int notify_send(const struct notify *notify, const char *format, ...)
{
    const struct timeval patience = { .tv_usec = PATIENCE_US };
    CLEANUP_FD int fd = -1;
    char message[MESSAGE_MAX];
    va_list arguments;
    int length;

    if (notify->length == 0)
        return 0;
    va_start(arguments, format);
    length = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof(message))
        return -EMSGSIZE;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (sendto(fd, message, (size_t)length, MSG_NOSIGNAL, (const struct sockaddr *)&notify->address,
               notify->length) < 0)
        return -errno;
    return 0;
}

int notify_wait(const struct notify *notify)
{
    return notify->watchdog_us ? clock_milliseconds_until(notify->next) : -1;
}

bool notify_is_due(struct notify *notify)
{
    uint64_t now = clock_now();
    uint64_t period = notify->watchdog_us < PERIOD_US_MAX ? notify->watchdog_us : PERIOD_US_MAX;

    if (period == 0 || now < notify->next)
        return false;
    notify->next = now + 1000 * (period / BEATS + 1);
    return true;
}
