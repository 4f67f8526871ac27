// SPDX-License-Identifier: BSD-2-Clause
/*
 * Class roots: each line of the input does something with a store, by its first letter.
 *
 *     d NAME   makes a directory         c NAME   marks it with the class NAME
 *     f NAME   makes a file              o NAME   marks it as earlier versions did
 *     l NAME   makes a symlink, to NAME  u        takes the mark away
 *     a PATH   makes a class root, as -o anon=PATH
 *
 * The second column works in the directory of the last d, or in the store.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/class/class_root.h"
#include "tests/fuzz/fuzz.h"

#define LINES_MAX 32

struct place {
    char path[32]; /* has the store, and what is beside it and stays empty */
    struct area store;
    int beside;
    int dir; /* of the last d */
};

static int open_dir(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void make_place(struct place *place)
{
    *place = (struct place){ .path = "fuzz-XXXXXX", .store = AREA_NONE };
    MUST(mkdtemp(place->path) != NULL, "no directory can be made here");
    int outer = open_dir(AT_FDCWD, place->path);
    MUST(mkdirat(outer, "store", 0755) == 0 && mkdirat(outer, "beside", 0755) == 0, place->path);
    place->store.root = open_dir(outer, "store");
    place->beside = open_dir(outer, "beside");
    place->dir = open_dir(outer, "store");
    MUST(place->dir >= 0, place->path);
    close(outer);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void remove_place(struct place *place)
{
    MUST(class_root_is_empty(place->beside) == 1, "something was made beside the store");
    close(place->dir);
    close(place->beside);
    close(place->store.root);
    MUST(nftw(place->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0, place->path);
}

static void make_dir(struct place *place, const char *name)
{
    if (strchr(name, '/') != NULL || strcmp(name, "..") == 0)
        return;
    mkdirat(place->store.root, name, 0755);
    int dir = open_dir(place->store.root, name);
    if (dir >= 0) {
        close(place->dir);
        place->dir = dir;
    }
}

static void make_file(struct place *place, const char *name)
{
    if (strchr(name, '/') != NULL)
        return;
    int fd = openat(place->dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

/* Reads the mark as class_mark.h says it is kept, and compares. */
static void check_mark(const struct place *place)
{
    enum shmap_class class = SHMAP_CLASSES, expected = SHMAP_CLASSES;
    char word[4096];
    ssize_t length = fgetxattr(place->dir, SHMAP_XATTR_CLASS_ROOT, word, sizeof(word));
    if (length < 0 && errno == ENODATA)
        length = fgetxattr(place->dir, SHMAP_XATTR_CLASS, word, sizeof(word));
    int error = class_root_class(place->dir, &class);
    if (length < 0)
        MUST(error == -ENODATA, "a mark where there is none");
    else if (shmap_class_parse(word, (size_t)length, &expected) != 0)
        MUST(error == -EIO, "a class that is none");
    else
        MUST(error == 0, "a class that is not read");
    MUST(class == expected, "another class");
    MUST(!class_mark_is_answered(place->dir), "no mount answers here");
}

static void mark(struct place *place, const char *attribute, const char *value)
{
    fsetxattr(place->dir, attribute, value, strlen(value), 0);
    check_mark(place);
}

static void unmark(struct place *place)
{
    enum shmap_class class;
    MUST(class_root_unmark(place->dir) == 0, "a mark that stays");
    MUST(class_root_class(place->dir, &class) == -ENODATA, "a mark that has stayed");
}

static unsigned long entries(const struct place *place)
{
    struct stat store, dir;
    MUST(fstat(place->store.root, &store) == 0 && fstat(place->dir, &dir) == 0, place->path);
    return store.st_nlink * 1000 + dir.st_nlink;
}

static void check_complaint(const struct complaint *complaint)
{
    MUST(complaint->text[0] != '\0', "no complaint");
    for (const char *at = complaint->text; *at != '\0'; at++)
        MUST((unsigned char)*at >= ' ' && *at != 0x7f, complaint->text);
}

/* Returns whether a directory of the store has a class already, and another one than a class
 * root's. */
static bool has_other_class(const struct place *place, const char *path)
{
    enum shmap_class class;
    int dir = open_dir(place->store.root, path);
    bool other = dir >= 0 && class_root_class(dir, &class) == 0 && class != SHMAP_ANON;
    if (dir >= 0)
        close(dir);
    return other;
}

static void try_class_root(struct place *place, const char *path)
{
    struct complaint complaint = { "" };
    enum shmap_class class;
    unsigned long before = entries(place);
    int error = class_root_check(&place->store, SHMAP_ANON, path, &complaint);
    MUST(error <= 0, path);
    MUST(entries(place) == before, path);
    MUST(error || !has_other_class(place, path), path);
    if (error) {
        check_complaint(&complaint);
        complaint.text[0] = '\0';
    }
    const struct ram_options top = { .mode = 0700, .uid = (uid_t)-1, .gid = (gid_t)-1 };
    int prepared = class_root_prepare(&place->store, SHMAP_ANON, path, &top, &complaint);
    MUST(prepared == error, complaint.text);
    if (error) {
        check_complaint(&complaint);
        MUST(entries(place) == before, path);
        return;
    }
    /* what was made is below the store, is what was asked for, and may be there already */
    int dir = openat(place->store.root, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    MUST(dir >= 0 && fstat(dir, &st) == 0 && st.st_ino != 0, path);
    MUST(class_root_class(dir, &class) == 0 && class == SHMAP_ANON, path);
    MUST(class_root_is_empty(dir) == 1, path);
    MUST(class_root_prepare(&place->store, SHMAP_ANON, path, &top, &complaint) == 0, complaint.text);
    close(dir);
}

static void do_line(struct place *place, const char *line)
{
    const char *name = line[0] != '\0' && line[1] == ' ' ? line + 2 : "";
    switch (line[0]) {
    case 'd':
        make_dir(place, name);
        break;
    case 'f':
        make_file(place, name);
        break;
    case 'l':
        symlinkat(name, place->dir, "link");
        break;
    case 'c':
        mark(place, SHMAP_XATTR_CLASS_ROOT, name);
        break;
    case 'o':
        mark(place, SHMAP_XATTR_CLASS, name);
        break;
    case 'u':
        unmark(place);
        break;
    case 'a':
        try_class_root(place, name);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    char *rest = text;
    char *line;
    struct place place;
    make_place(&place);
    for (int i = 0; i < LINES_MAX && (line = strsep(&rest, "\n")) != NULL; i++)
        do_line(&place, line);
    remove_place(&place);
    free(text);
    return 0;
}
