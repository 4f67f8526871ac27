// SPDX-License-Identifier: BSD-2-Clause
#include "fs/lifetime/close_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

/* Begins when there is something to watch: each user may have 128 of these, and most mounts need
 * none. */
static void begin(struct close_watch *watch)
{
    unsigned flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_FID;

    watch->fd = fanotify_init(flags | FAN_UNLIMITED_MARKS, O_RDONLY | O_CLOEXEC);
    // Without the privilege there is a limit for each user.
    if (watch->fd < 0)
        watch->fd = fanotify_init(flags, O_RDONLY | O_CLOEXEC);
    watch->failed = watch->fd < 0 && errno != EMFILE && errno != ENFILE && errno != ENOMEM;
}

bool close_watch_add(struct close_watch *watch, int fd)
{
    struct object_path path;

    if (watch->fd < 0 && !watch->failed)
        begin(watch);
    return watch->fd >= 0 && fanotify_mark(watch->fd, FAN_MARK_ADD, FAN_CLOSE, AT_FDCWD,
                                           object_path_of(fd, &path)) == 0;
}

void close_watch_remove(const struct close_watch *watch, int fd)
{
    struct object_path path;

    fanotify_mark(watch->fd, FAN_MARK_REMOVE, FAN_CLOSE, AT_FDCWD, object_path_of(fd, &path));
}

/* Copies the handle of an event. Returns false if it has none. */
static bool handle_of_event(const struct fanotify_event_metadata *event,
                            struct object_handle *handle)
{
    const struct fanotify_event_info_fid *info = (const void *)(event + 1);
    const struct file_handle *found = (const void *)info->handle;

    if (event->event_len < sizeof(*event) + sizeof(*info) + sizeof(*found) ||
        info->hdr.info_type != FAN_EVENT_INFO_TYPE_FID || found->handle_bytes > OBJECT_HANDLE_MAX)
        return false;
    handle->type = (uint16_t)found->handle_type;
    handle->length = (uint8_t)found->handle_bytes;
    memcpy(handle->bytes, found->f_handle, found->handle_bytes);
    return true;
}

bool close_watch_read(const struct close_watch *watch,
                      void (*closed)(void *argument, const struct object_handle *handle),
                      void *argument)
{
    _Alignas(struct fanotify_event_metadata) char events[4096];
    const struct fanotify_event_metadata *event;
    struct object_handle handle;
    bool complete = true;
    ssize_t length;

    while (watch->fd >= 0 && (length = read(watch->fd, events, sizeof(events))) > 0) {
        for (event = (const void *)events; FAN_EVENT_OK(event, length);
             event = FAN_EVENT_NEXT(event, length)) {
            if (event->mask & FAN_Q_OVERFLOW)
                complete = false;
            else if (event->pid != getpid() && handle_of_event(event, &handle))
                closed(argument, &handle);
        }
    }
    return complete;
}
