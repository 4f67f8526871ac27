// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the daemon tells its operator: one line for each event.
 *
 * Where a line goes is seen from standard error each time, so that there is nothing to set up, to
 * hand on to other processes, or to lose in execve(2):
 *   - /dev/null, which is what a daemon in the background has: to syslog, or an undo log, at /dev/log
 *   - the stream that $JOURNAL_STREAM names: there, with the level in front as sd-daemon(3) has it
 *   - anything else: there, with "shmapfs: " in front
 *
 * Nothing is allocated, no descriptor stays open, and nobody is waited for longer than a moment: a
 * line is rather lost than a mount held up. Bytes that are not printable UTF-8, and backslashes,
 * are written as a backslash with three octal digits: names come from users.
 */
#ifndef SHMAPFS_LOG_H
#define SHMAPFS_LOG_H

#include <stdarg.h>
#include <syslog.h>

/* To be called once before the first line of a daemon: reads the time zone, so that no line has to.
 */
void log_prepare(void);

/* `level` is LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO or LOG_DEBUG. Newlines at the end are
 * dropped, what is longer than about 1 KiB is cut. Leaves errno as it is. */
void log_event(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void vlog_event(int level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
