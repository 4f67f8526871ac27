// SPDX-License-Identifier: BSD-2-Clause
#include "tests/mount/cases/convert/convert_tree.h"

#include "tests/mount/harness/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

void make_tree(void)
{
    static const struct timespec times[2] = { { 1000000000, 1234 }, { 1000000001, 56789 } };

    assert_ok(mkdir("mnt/tree", 0755));
    assert_ok(mkdir("mnt/tree/directory", 0755));
    assert_ok(mkdir("mnt/tree/directory/empty", 02750));
    put_file("mnt/tree/file", "contents");
    put_file("mnt/tree/directory/other", "other contents");
    assert_ok(chmod("mnt/tree/directory/other", 04710));
    assert_ok(link("mnt/tree/file", "mnt/tree/directory/link"));
    assert_ok(symlink("../nowhere", "mnt/tree/symlink"));
    assert_ok(mkfifo("mnt/tree/fifo", 0600));
    // A RAM area takes them since Linux 6.6.
    if (has_user_attributes("/dev/shm")) {
        assert_ok(setxattr("mnt/tree/file", "user.name", "value", 5, 0));
        assert_ok(setxattr("mnt/tree/directory", "user.name", "another", 7, 0));
    }
    int fd = open_file("mnt/tree/sparse", O_RDWR | O_CREAT);
    assert_int_equal(pwrite(fd, "end", 3, 64 << 20), 3);
    assert_ok(close(fd));
    if (geteuid() == 0)
        assert_ok(chown("mnt/tree/directory/other", 12, 34));
    assert_ok(utimensat(AT_FDCWD, "mnt/tree/file", times, 0));
    assert_ok(utimensat(AT_FDCWD, "mnt/tree/directory", times, 0));
}

/* The output of a shell script with an argument; for free(). */
static char *output_of(const char *script, const char *argument)
{
    struct program_result result = run_program("sh", "-c", script, "sh", argument, NULL);

    assert_done(&result);
    return strdup(result.out);
}

char *describe_tree(const char *path)
{
    // A directory has the size that its area gives it.
    return output_of("cd \"$1\" && "
                     "{ find . -type d -printf '%p %M %U:%G %T@\\n';"
                     "  find . ! -type d -printf '%p %M %U:%G %T@ %s %n %l\\n';"
                     "  find . -type f ! -name sparse -exec cksum {} +;"
                     "  find . -name sparse -printf '%k\\n' | sed 's/^.$/few/';"
                     "  getfattr -R -d . 2>/dev/null; } | LC_ALL=C sort",
                     path);
}

char *names_in_mount(void)
{
    return output_of("ls -A mnt | LC_ALL=C sort | tr '\\n' ' '", "");
}

struct program_result convert(const char *path, const char *class)
{
    return run_program(shmapctl(), "class", "--convert", path, class, NULL);
}
