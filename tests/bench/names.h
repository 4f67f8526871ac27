// SPDX-License-Identifier: BSD-2-Clause
#ifndef BENCH_NAMES_H
#define BENCH_NAMES_H

#include "work.h"

// Many files of one directory, called by numbers: what the works that go by names act on.

enum {
    NAME_LENGTH = 8,
    NAME_SIZE = NAME_LENGTH + 1,
    NAME_PATH_SIZE = NAME_LENGTH + 1 + NAME_SIZE, // of a name in a directory with such a name
};

// The first letter of names: of files, of files that were renamed or come and go, of directories.
enum { KIND_FILE = 'f', KIND_OTHER = 'o', KIND_DIRECTORY = 'd' };

// Writes the kind and seven digits. Not by printf, which would take a good part of what it takes
// the kernel to look a name up.
void name_write(char name[NAME_SIZE], char kind, unsigned number);

// The calls that are made with one name. They return 0 or a negative errno.
typedef int (*name_call)(int dir_fd, const char *name);

int name_open(int dir_fd, const char *name);   // and closes
int name_create(int dir_fd, const char *name); // and closes; it must be new
int name_make(int dir_fd, const char *name);   // the same file, where it can be without opening it
int name_stat(int dir_fd, const char *name);
int name_unlink(int dir_fd, const char *name);
int name_clear(int dir_fd, const char *name); // the same, and it need not be there
int name_mkdir(int dir_fd, const char *name);
int name_rmdir(int dir_fd, const char *name);
// A file gets its other name, or the first again, which is the one to call it by. The directory that
// it is in may stand before it.
int name_rename(int dir_fd, const char *path);
int name_rename_back(int dir_fd, const char *path);

// Some of the names in a directory.
struct names {
    int dir_fd;
    char kind;
    unsigned first; // number
    unsigned count;
};

// Calls for each of them, until one fails.
int names_call(const struct names *names, name_call call);

// The same by several processes, which is quicker with many names. Nobody times it.
int names_call_together(const struct names *names, name_call call);

// The path of a directory for a group's files on the side, which the group makes and removes. The
// directory that it lies in is made here, and is there until the end of the run, each with a name
// of its own: ext4 chooses the part of the disk by the name and by where the fewest directories
// are, and where files were removed a moment ago it is slow to make others.
void names_directory(const struct subject *subject, const char *group, char path[PATH_MAX]);

// Makes the directory when it is not there yet, and opens it; a descriptor or a negative errno.
int names_open_directory(int dir_fd, const char *path);

#endif
