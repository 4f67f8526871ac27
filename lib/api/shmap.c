// SPDX-License-Identifier: BSD-2-Clause
/*
 * The calls on paths. Each reads or sets one extended attribute of a mount.
 *
 * Another filesystem would take an attribute of our name and keep it, and a store has them, too.
 * So each call first makes sure that a mount of ours answers.
 */
#include "lib/api/shmap.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/api/shmap_hosts.h"
#include "lib/sys/cleanup.h"

/* Reads an attribute. Returns its length or a negative errno; -ENODATA: no shmapfs has it there. */
static ssize_t read_attribute(const char *path, const char *name, char *value, size_t size)
{
    struct statfs filesystem;
    ssize_t length;

    if (statfs(path, &filesystem) != 0)
        return -errno;
    if (filesystem.f_type != FUSE_SUPER_MAGIC)
        return -ENODATA;
    length = getxattr(path, name, value, size);
    // Another FUSE filesystem has no attributes, or has its own of that name.
    if (length < 0)
        return errno == EOPNOTSUPP || errno == ERANGE ? -ENODATA : -errno;
    return length;
}

/* Sets an attribute where `witness`, an attribute that can be read, shows a mount of ours. */
static int set_attribute(const char *path, const char *witness, const char *name, const char *value)
{
    ssize_t present = read_attribute(path, witness, NULL, 0);

    if (present < 0)
        return (int)present;
    return setxattr(path, name, value, strlen(value), 0) == 0 ? 0 : -errno;
}

/* Reads a class from an attribute. */
static int read_class_word(const char *path, const char *name, enum shmap_class *which)
{
    char word[32];
    ssize_t length = read_attribute(path, name, word, sizeof(word));

    if (length < 0)
        return (int)length;
    return shmap_class_parse(word, (size_t)length, which) == 0 ? 0 : -ENODATA;
}

int shmap_class_get(const char *path, enum shmap_class *which)
{
    return read_class_word(path, SHMAP_XATTR_CLASS, which);
}

int shmap_class_set(const char *path, enum shmap_class which)
{
    return set_attribute(path, SHMAP_XATTR_CLASS, SHMAP_XATTR_CLASS, shmap_class_name(which));
}

int shmap_next_class_get(const char *path, enum shmap_class *which)
{
    return read_class_word(path, SHMAP_XATTR_NEXT_CLASS, which);
}

static int set_limited(const char *path, enum shmap_class which, const char *words)
{
    char value[SHMAP_AREA_WORDS_MAX + 16];

    if (snprintf(value, sizeof(value), "%s,%s", shmap_class_name(which), words) >=
        (int)sizeof(value))
        return -EINVAL;
    return set_attribute(path, SHMAP_XATTR_CLASS, SHMAP_XATTR_CLASS, value);
}

int shmap_anon_set(const char *path, const char *words)
{
    return set_limited(path, SHMAP_ANON, words);
}

int shmap_scratch_set(const char *path, const char *words)
{
    return set_limited(path, SHMAP_SCRATCH, words);
}

int shmap_area_set(const char *path, const char *words)
{
    return set_attribute(path, SHMAP_XATTR_CLASS, SHMAP_XATTR_AREA, words);
}

int shmap_area_get(const char *path, char words[SHMAP_AREA_WORDS_MAX])
{
    ssize_t length = read_attribute(path, SHMAP_XATTR_AREA, words, SHMAP_AREA_WORDS_MAX - 1);

    if (length < 0)
        return (int)length;
    words[length] = '\0';
    return 0;
}

int shmap_skeleton_get(const char *path, bool *kept)
{
    char digit;
    ssize_t length = read_attribute(path, SHMAP_XATTR_SKELETON, &digit, 1);

    if (length < 0)
        return (int)length;
    *kept = length == 1 && digit == '1';
    return 0;
}

int shmap_skeleton_set(const char *path, bool kept)
{
    return set_attribute(path, SHMAP_XATTR_CLASS, SHMAP_XATTR_SKELETON, kept ? "1" : "0");
}

/* The kernel lets nobody set an attribute where the mount is read-only. */
static int resize_read_only(const char *mountpoint, const char *size)
{
    char option[64];
    uint64_t bytes;
    // A percentage needs only the right form: any part of the machine's RAM is more than a page.
    int error = shmap_size_parse(size, UINT64_C(1) << 30, &bytes);

    if (error)
        return error;
    if (bytes < (uint64_t)sysconf(_SC_PAGESIZE))
        return -ERANGE;
    if (snprintf(option, sizeof(option), "size=%s", size) >= (int)sizeof(option))
        return -EINVAL;
    error = shmap_options_change(mountpoint, option, false);
    return error == -ENODATA ? -EROFS : error; // an earlier version does not know of it
}

int shmap_resize(const char *mountpoint, const char *size)
{
    int error = set_attribute(mountpoint, SHMAP_XATTR_STATUS, SHMAP_XATTR_SIZE, size);

    return error == -EROFS ? resize_read_only(mountpoint, size) : error;
}

int shmap_reserve_set(const char *path, uint64_t bytes)
{
    char text[32];
    ssize_t present;

    if (bytes == 0) {
        present = read_attribute(path, SHMAP_XATTR_CLASS, NULL, 0);
        if (present < 0)
            return (int)present;
        return removexattr(path, SHMAP_XATTR_RESERVE) == 0 || errno == ENODATA ? 0 : -errno;
    }
    snprintf(text, sizeof(text), "%" PRIu64, bytes);
    return set_attribute(path, SHMAP_XATTR_CLASS, SHMAP_XATTR_RESERVE, text);
}

int shmap_reserve_get(const char *path, uint64_t *bytes)
{
    char text[32];
    ssize_t length = read_attribute(path, SHMAP_XATTR_CLASS, NULL, 0);

    *bytes = 0;
    if (length < 0)
        return (int)length;
    length = read_attribute(path, SHMAP_XATTR_RESERVE, text, sizeof(text) - 1);
    if (length < 0)
        return length == -ENODATA ? 0 : (int)length;
    text[length] = '\0';
    return shmap_size_parse(text, 0, bytes);
}

static int read_lifetime_text(const char *text, ssize_t length, struct shmap_lifetime *lifetime)
{
    if (length < 0)
        return (int)length;
    return shmap_lifetime_parse(text, (size_t)length, lifetime) == 0 ? 0 : -ENODATA;
}

int shmap_lifetime_get(const char *path, struct shmap_lifetime *lifetime)
{
    char text[SHMAP_LIFETIME_TEXT_MAX];

    return read_lifetime_text(text, read_attribute(path, SHMAP_XATTR_LIFETIME, text, sizeof(text)),
                              lifetime);
}

int shmap_lifetime_get_unchecked(const char *path, struct shmap_lifetime *lifetime)
{
    char text[SHMAP_LIFETIME_TEXT_MAX];
    ssize_t length = lgetxattr(path, SHMAP_XATTR_LIFETIME, text, sizeof(text));

    return read_lifetime_text(text, length < 0 ? -errno : length, lifetime);
}

int shmap_lifetime_set(const char *path, const struct shmap_lifetime *lifetime)
{
    char text[SHMAP_LIFETIME_TEXT_MAX];

    shmap_lifetime_text(lifetime, text);
    return set_attribute(path, SHMAP_XATTR_CLASS, SHMAP_XATTR_LIFETIME, text);
}

int shmap_options_change(const char *mountpoint, const char *options, bool ask)
{
    char name[XATTR_NAME_MAX + 1], value[8];
    ssize_t length;

    if (snprintf(name, sizeof(name), "%s%c%s", SHMAP_XATTR_OPTIONS, ask ? '?' : '!', options) >=
        (int)sizeof(name))
        return -ERANGE;
    length = read_attribute(mountpoint, name, value, sizeof(value));
    return length < 0 ? (int)length : 0;
}

int shmap_sync(const char *mountpoint)
{
    char value[32];
    ssize_t length = read_attribute(mountpoint, SHMAP_XATTR_SYNC, value, sizeof(value));

    return length < 0 ? (int)length : 0;
}

int shmap_upgrade(const char *mountpoint, const char *binary)
{
    const char *value = binary ? binary : "";
    int error;

    if (binary && *binary != '/')
        return -EINVAL;
    error = set_attribute(mountpoint, SHMAP_XATTR_STATUS, SHMAP_XATTR_UPGRADE_TRUSTED, value);
    // Without the privilege for that it may be the caller's own mount.
    if (error == -EPERM)
        error = set_attribute(mountpoint, SHMAP_XATTR_STATUS, SHMAP_XATTR_UPGRADE, value);
    return error;
}

/* Reads a long text, for free(). Returns 0 or a negative errno. */
static int read_text(const char *path, const char *name, char **text)
{
    ssize_t length;

    *text = malloc(XATTR_SIZE_MAX + 1);
    if (!*text)
        return -ENOMEM;
    length = read_attribute(path, name, *text, XATTR_SIZE_MAX);
    if (length < 0)
        return (int)length;
    (*text)[length] = '\0';
    return 0;
}

int shmap_status_get(const char *mountpoint, struct shmap_status *status)
{
    CLEANUP_FREE char *json = NULL;
    int error = read_text(mountpoint, SHMAP_XATTR_STATUS, &json);

    return error ? error : shmap_status_from_json(json, status);
}

int shmap_areas_get(const char *mountpoint, struct shmap_own_area **areas, size_t *count)
{
    CLEANUP_FREE char *json = NULL;
    int error = read_text(mountpoint, SHMAP_XATTR_AREAS, &json);

    *areas = NULL;
    *count = 0;
    return error ? error : shmap_areas_from_json(json, areas, count);
}

int shmap_hosts_get(const char *mountpoint, struct shmap_host **hosts, size_t *count)
{
    CLEANUP_FREE char *json = NULL;
    int error = read_text(mountpoint, SHMAP_XATTR_HOSTS, &json);

    *hosts = NULL;
    *count = 0;
    return error ? error : shmap_hosts_from_json(json, hosts, count);
}

int shmap_requests_get(const char *mountpoint, struct shmap_requests *requests)
{
    CLEANUP_FREE char *json = NULL;
    int error = read_text(mountpoint, SHMAP_XATTR_REQUESTS, &json);

    return error ? error : shmap_requests_from_json(json, requests);
}
