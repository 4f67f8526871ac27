// SPDX-License-Identifier: BSD-2-Clause
/*
 * The log: what the daemon tells its operator, one line for each event.
 *
 * Standard error says where a line goes, and is looked at for each line. So there is nothing to set
 * up, to hand on to other processes, or to lose in execve(2):
 *   - /dev/null, as a daemon in the background has it: to syslog, or the system's journal, at
 *     /dev/log
 *   - the stream that $JOURNAL_STREAM names: there, with the level in front as sd-daemon(3) has it
 *   - anything else: there, with "shmapfs: " in front
 *
 * The log allocates nothing, keeps no descriptor open, and waits for nobody longer than a moment: a
 * line is rather lost than a mount held up. Bytes that are not printable UTF-8, and backslashes,
 * are written as a backslash with three octal digits: names come from users.
 */
#ifndef SHMAPFS_LOG_H
#define SHMAPFS_LOG_H

#include <stdarg.h>
#include <syslog.h>

/* Reads the time zone, so that no line has to. Call it once before the first line of a daemon. */
void log_prepare(void);

/* Write a line. `level` is LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO or LOG_DEBUG. Newlines at the
 * end are dropped; a text longer than about 1 KiB is cut. errno stays as it is. */
void log_event(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void vlog_event(int level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
