// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/fuzz/tree_text.h"

#include "tests/mount/fuzz/attr_text.h"
#include "tests/mount/fuzz/bytes_text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LARGEST_FILE = 1 << 20, TEXT = 4096 };

static void put_contents(FILE *out, const char *path)
{
    static const char unreadable[] = " unreadable";
    char text[TEXT], *bytes = malloc(LARGEST_FILE);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t length = 0;
    ssize_t count = -1;

    while (fd != -1 && bytes != NULL && length < LARGEST_FILE &&
           (count = read(fd, bytes + length, LARGEST_FILE - length)) > 0)
        length += (size_t)count;
    if (count == 0)
        bytes_text(bytes, length, text, sizeof(text));
    fprintf(out, " |%s", count == 0 ? text : unreadable);
    if (fd != -1)
        close(fd);
    free(bytes);
}

static void put_xattrs(FILE *out, const char *path)
{
    char names[TEXT], value[TEXT], text[TEXT];
    ssize_t size = llistxattr(path, names, sizeof(names));
    size_t left = size > 0 ? sort_xattr_names(names, (size_t)size) : 0;

    for (size_t i = 0; i < left; i += strlen(names + i) + 1) {
        ssize_t bytes = lgetxattr(path, names + i, value, sizeof(value));
        bytes_text(value, bytes > 0 ? (size_t)bytes : 0, text, sizeof(text));
        fprintf(out, " %s=%zd%s", names + i, bytes, text);
    }
}

static void put_entry(FILE *out, const struct fuzz_place *place, const char *path, const char *name,
                      const struct stat *attr)
{
    char text[256], target[PATH_MAX];

    attr_text(place, attr, text, sizeof(text));
    fprintf(out, "%s: %s", name, text);
    put_xattrs(out, path);
    if (S_ISLNK(attr->st_mode)) {
        ssize_t length = readlink(path, target, sizeof(target));
        fprintf(out, " -> %.*s", (int)length, target);
    } else if (geteuid() != 0) {
        chmod(path, 0700);
    }
    if (S_ISREG(attr->st_mode))
        put_contents(out, path);
    fprintf(out, "\n");
}

/* The path is that of the top with that of an entry behind it, which begins at `name`. */
static int put_tree(FILE *out, const struct fuzz_place *place, char path[PATH_MAX], size_t name)
{
    struct dirent **entries;
    struct stat attr;
    size_t length = strlen(path);
    int error = 0;

    if (lstat(path, &attr) == -1)
        return -errno;
    put_entry(out, place, path, path + name, &attr);
    if (!S_ISDIR(attr.st_mode))
        return 0;
    int count = scandir(path, &entries, NULL, alphasort);
    if (count == -1)
        return -errno;
    for (int i = 0; i < count; i++) {
        const char *entry = entries[i]->d_name;
        snprintf(path + length, PATH_MAX - length, "/%s", entry);
        if (error == 0 && strcmp(entry, ".") != 0 && strcmp(entry, "..") != 0)
            error = put_tree(out, place, path, name);
        free(entries[i]);
    }
    free(entries);
    path[length] = '\0';
    return error;
}

char *tree_text(const struct fuzz_place *place, const char *directory)
{
    char path[PATH_MAX], *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    snprintf(path, sizeof(path), "%s", directory);
    int error = put_tree(out, place, path, strlen(directory));
    fclose(out);
    if (error == 0)
        return text;
    free(text);
    errno = -error;
    return NULL;
}
