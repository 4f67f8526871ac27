// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl top: the files that processes have in memory, areas of directories, and a terminal that
 * is as it was however the command ends. */
#include "tests/mount/cases/commands/json_output.h"
#include "tests/mount/harness/class_attribute.h"
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

enum { FILE_SIZE = 256 << 10, ROWS = 7, COLUMNS = 40 };

/* The caller maps a file, all of whose pages are in memory then. */
static void *map_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    assert_ok(fd);
    assert_ok(ftruncate(fd, FILE_SIZE));
    char *pages = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    memset(pages, 'x', FILE_SIZE);
    assert_ok(close(fd));
    return pages;
}

static void files_in_memory_are_shown_with_their_users(void **state)
{
    struct workspace *workspace = workspace_of(state);
    char path[PATH_MAX + 16];

    workspace_mount(workspace, true, "anon=other");
    make_class_root("mnt/own", "anon,size=1m");
    void *pages = map_file("mnt/own/mapped");
    snprintf(path, sizeof(path), "%s/own/mapped", workspace->mnt);
    struct program_result result = run_program(shmapctl(), "--json", "top", "--once", "mnt", NULL);
    struct json_object *answer = json_output_of(&result);
    struct json_object *file = json_find(json_member(answer, "files"), "path", path);
    assert_non_null(file);
    assert_true(json_number(file, "resident") >= FILE_SIZE);
    assert_int_equal(json_number(file, "pid"), getpid());
    assert_int_equal(json_number(file, "processes"), 1);
    struct json_object *area = json_find(json_member(answer, "areas"), "directory", "own");
    assert_non_null(area);
    assert_int_equal(json_number(area, "size"), 1 << 20);
    assert_true(json_number(area, "used") >= FILE_SIZE);
    json_object_put(answer);
    result = run_program(shmapctl(), "top", "--once", "mnt", NULL);
    assert_done(&result);
    assert_non_null(strstr(result.out, path));
    assert_non_null(strstr(result.out, " of 1.0M, of own\n"));
    assert_non_null(strstr(result.out, "worker   0 restarts"));
    assert_ok(munmap(pages, FILE_SIZE));
    result = run_program(shmapctl(), "top", "--once", "mnt", NULL);
    assert_done(&result);
    assert_null(strstr(result.out, path));
    workspace_unmount(workspace);
}

/* Reads from a terminal until there is a text, or its other end has gone. Returns how many lines
 * were written since `text` was empty. */
static unsigned read_screen(int terminal, const char *until)
{
    char text[16384] = "";
    size_t length = 0;
    unsigned lines = 0;
    ssize_t got;

    while (strstr(text, until) == NULL && length < sizeof(text) - 1 &&
           (got = read(terminal, text + length, sizeof(text) - 1 - length)) > 0)
        text[length += (size_t)got] = '\0';
    if (strstr(text, until) == NULL)
        fail_msg("no %s in: %s", until + 1, text);
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Has the command draw on a small terminal, and ends it. Returns its status. */
static int watch_until(int number)
{
    struct winsize size = { .ws_row = ROWS, .ws_col = COLUMNS };
    struct termios before, after;
    int terminal, there;

    assert_ok(openpty(&terminal, &there, NULL, NULL, &size));
    assert_ok(tcgetattr(there, &before));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (login_tty(there) == 0)
            execl(shmapctl(), "shmapctl", "top", "mnt", (char *)NULL);
        _exit(1);
    }
    assert_ok(pid);
    read_screen(terminal, "\033[?1049h");
    // A line more would move the first one out of sight.
    assert_true(read_screen(terminal, "\033[J") < ROWS);
    if (number != 0)
        assert_ok(kill(pid, number));
    else
        assert_int_equal(write(terminal, "q", 1), 1);
    read_screen(terminal, "\033[?1049l");
    int status = wait_for_process(pid);
    assert_ok(tcgetattr(there, &after));
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_ok(close(terminal));
    assert_ok(close(there));
    return status;
}

static void the_terminal_is_as_it_was(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    put_file("mnt/file", "contents");
    assert_int_equal(watch_until(0), 0);
    assert_int_equal(watch_until(SIGTERM), 128 + SIGTERM);
    assert_int_equal(watch_until(SIGINT), 128 + SIGINT);
    workspace_unmount(workspace);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(files_in_memory_are_shown_with_their_users),
    cmocka_unit_test(the_terminal_is_as_it_was),
};

WORKSPACE_MAIN("top_screen", cases)
