// SPDX-License-Identifier: BSD-2-Clause
#include "lib/object/object.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 // on all architectures
#endif

union handle_buffer {
    struct file_handle header;
    uint8_t room[sizeof(struct file_handle) + OBJECT_HANDLE_MAX];
};

int object_stat(int fd, struct statx *stx)
{
    return statx(fd, "", AT_EMPTY_PATH | AT_STATX_SYNC_AS_STAT, OBJECT_STATX_MASK, stx) == 0
               ? 0
               : -errno;
}

uint64_t object_birth(const struct statx *stx)
{
    if (!(stx->stx_mask & STATX_BTIME))
        return 0;
    return (uint64_t)stx->stx_btime.tv_sec * 1000000000U + stx->stx_btime.tv_nsec;
}

int object_handle_of(int fd, struct object_handle *handle)
{
    union handle_buffer buffer = { .header.handle_bytes = OBJECT_HANDLE_MAX };
    int mount_id;

    if (name_to_handle_at(fd, "", &buffer.header, &mount_id, AT_EMPTY_PATH) != 0)
        return -errno;
    if (buffer.header.handle_bytes == 0 || buffer.header.handle_type < 0 ||
        buffer.header.handle_type > UINT16_MAX)
        return -EOVERFLOW;
    handle->type = (uint16_t)buffer.header.handle_type;
    handle->length = (uint8_t)buffer.header.handle_bytes;
    memcpy(handle->bytes, buffer.header.f_handle, handle->length);
    return 0;
}

int object_open(int area_root, const struct object_handle *handle, int flags)
{
    union handle_buffer buffer = { .header.handle_bytes = handle->length,
                                   .header.handle_type = handle->type };
    int fd;

    memcpy(buffer.header.f_handle, handle->bytes, handle->length);
    fd = open_by_handle_at(area_root, &buffer.header, flags | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

const char *object_path_of(int fd, struct object_path *path)
{
    snprintf(path->text, sizeof(path->text), "/proc/self/fd/%d", fd);
    return path->text;
}

int object_reopen(int fd, int flags)
{
    struct object_path path;
    int again = open(object_path_of(fd, &path), flags | O_CLOEXEC);

    return again >= 0 ? again : -errno;
}

int object_open_in(int dir, const char *name)
{
    int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    return fd >= 0 ? fd : -errno;
}

int object_open_beneath(int dir, const char *path, int flags)
{
    struct open_how how = { .flags = (uint64_t)(flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
                            .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                       RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };
    int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));

    return fd >= 0 ? fd : -errno;
}

int object_set_mode(int fd, mode_t mode)
{
    struct object_path path;
    long result = syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH);

    // Linux before 6.6, and sandboxes that do not know the call.
    if (result != 0 && (errno == ENOSYS || errno == EPERM))
        result = chmod(object_path_of(fd, &path), mode);
    return result == 0 ? 0 : -errno;
}

bool object_is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int object_find_entry(int dir, bool (*matches)(const struct dirent64 *entry, const void *argument),
                      const void *argument, char name[NAME_MAX + 1])
{
    CLEANUP_FD int fd = object_reopen(dir, O_RDONLY | O_DIRECTORY);
    char entries[8192];
    ssize_t length;

    if (fd < 0)
        return fd;
    while ((length = getdents64(fd, entries, sizeof(entries))) > 0) {
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const void *)(entries + at);

            if (!object_is_dot(entry->d_name) && matches(entry, argument)) {
                strlcpy(name, entry->d_name, NAME_MAX + 1);
                return 1;
            }
            at += entry->d_reclen;
        }
    }
    return length < 0 ? -errno : 0;
}

const char *object_shown_path(int fd, char path[PATH_MAX])
{
    struct object_path link;
    ssize_t length = readlink(object_path_of(fd, &link), path, PATH_MAX - 1);

    path[length > 0 ? length : 0] = '\0';
    return path;
}
