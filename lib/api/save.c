// SPDX-License-Identifier: BSD-2-Clause
/* Commits that are asked for. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/hand_on.h"
#include "lib/api/shmap.h"
#include "lib/api/shmap_save.h"
#include "lib/sys/cleanup.h"

#define NUMBER_TEXT_MAX 24U

struct descriptor_path {
    char text[32];
};

static struct descriptor_path path_of_descriptor(int fd)
{
    struct descriptor_path path;

    snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
    return path;
}

/* Has the kernel write what it holds back of a file. Either way to open it will do. */
static int hand_on(const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 && errno == EACCES)
        fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : pages_hand_on(fd);
}

/* Checks a file, and has it handed on. `number` receives its inode number. */
static int prepare_file(int fd, dev_t device, uint64_t *number)
{
    struct descriptor_path path = path_of_descriptor(fd);
    enum shmap_class class;
    struct stat st;
    int error = shmap_class_get(path.text, &class);

    if (error)
        return error;
    if (fstat(fd, &st) != 0)
        return -errno;
    if (st.st_dev != device)
        return -EXDEV;
    if (!S_ISREG(st.st_mode) || (class != SHMAP_ATOMIC && class != SHMAP_CHECKPOINT))
        return -EOPNOTSUPP;
    *number = st.st_ino;
    return hand_on(path.text);
}

static int write_numbers(const int fds[], size_t count, dev_t device, FILE *text)
{
    uint64_t number = 0;
    int error = 0;

    for (size_t i = 0; i < count && !error; i++) {
        error = prepare_file(fds[i], device, &number);
        // The first one is asked itself.
        if (!error && i > 0)
            fprintf(text, "%s%" PRIu64, i > 1 ? " " : "", number);
    }
    return error;
}

int shmap_save(const int fds[], size_t count)
{
    CLEANUP_FREE char *numbers = malloc((size_t)SHMAP_SAVE_MAX * NUMBER_TEXT_MAX);
    struct stat st;
    FILE *text;
    int error;

    if (count > SHMAP_SAVE_MAX)
        return -E2BIG;
    if (count == 0)
        return 0;
    if (fstat(fds[0], &st) != 0)
        return -errno;
    text = numbers ? fmemopen(numbers, (size_t)SHMAP_SAVE_MAX * NUMBER_TEXT_MAX, "w") : NULL;
    if (!text)
        return -ENOMEM;
    *numbers = '\0';
    error = write_numbers(fds, count, st.st_dev, text);
    fclose(text);
    if (error)
        return error;
    return fsetxattr(fds[0], SHMAP_XATTR_SAVE, numbers, strlen(numbers), 0) == 0 ? 0 : -errno;
}

int shmap_save_all(const char *mountpoint, struct shmap_saved *saved)
{
    char answer[128];
    enum shmap_class class;
    // Another filesystem may have an attribute of that name.
    int error = shmap_class_get(mountpoint, &class);
    ssize_t length;

    *saved = (struct shmap_saved){ 0 };
    if (error)
        return error;
    length = getxattr(mountpoint, SHMAP_XATTR_SAVE, answer, sizeof(answer) - 1);
    if (length < 0)
        return -errno;
    answer[length] = '\0';
    return sscanf(answer, "files=%" SCNu64 " commits=%" SCNu64 " left=%" SCNu64, &saved->files,
                  &saved->commits, &saved->left) == 3
               ? 0
               : -EPROTO;
}

static int read_uncommitted(const char *text, ssize_t length, uint64_t *bytes)
{
    char digits[NUMBER_TEXT_MAX];

    *bytes = 0;
    if (length < 0)
        return -errno;
    snprintf(digits, sizeof(digits), "%.*s", (int)length, text);
    return sscanf(digits, "%" SCNu64, bytes) == 1 ? 0 : -ENODATA;
}

int shmap_uncommitted_get_unchecked(const char *path, uint64_t *bytes)
{
    char text[NUMBER_TEXT_MAX];

    return read_uncommitted(text, lgetxattr(path, SHMAP_XATTR_UNCOMMITTED, text, sizeof(text)),
                            bytes);
}

int shmap_uncommitted_get(const char *path, uint64_t *bytes)
{
    char text[NUMBER_TEXT_MAX];
    enum shmap_class class;
    int error = shmap_class_get(path, &class);

    *bytes = 0;
    if (error)
        return error;
    return read_uncommitted(text, getxattr(path, SHMAP_XATTR_UNCOMMITTED, text, sizeof(text)),
                            bytes);
}
