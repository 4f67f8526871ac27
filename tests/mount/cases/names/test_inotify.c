// SPDX-License-Identifier: BSD-2-Clause
// inotify: the events that a watcher in another process gets.
#include "tests/mount/harness/coprocess.h"
#include "tests/mount/harness/files.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOG_SIZE = 8192 };

// The watcher's notes, one event a line, in memory that both processes have.
struct watcher {
    const char *path;
    char *log;
};

static const struct {
    uint32_t mask;
    const char *name;
} event_names[] = {
    { IN_CREATE, "create" },           { IN_MODIFY, "modify" },
    { IN_ATTRIB, "attrib" },           { IN_OPEN, "open" },
    { IN_ACCESS, "access" },           { IN_CLOSE_WRITE, "close_write" },
    { IN_CLOSE_NOWRITE, "close" },     { IN_MOVED_FROM, "moved_from" },
    { IN_MOVED_TO, "moved_to" },       { IN_DELETE, "delete" },
    { IN_DELETE_SELF, "delete_self" }, { IN_MOVE_SELF, "move_self" },
    { IN_IGNORED, "ignored" },
};

// The kernel may report equal events in a row as one, so only a change of event is noted.
static void note_event(struct watcher *watcher, const struct inotify_event *event)
{
    char line[300];
    const char *name = "?";
    for (size_t i = 0; i < sizeof(event_names) / sizeof(event_names[0]); i++)
        if ((event->mask & event_names[i].mask) != 0)
            name = event_names[i].name;
    snprintf(line, sizeof(line), "%s%s%s%s\n", name, (event->mask & IN_ISDIR) != 0 ? " dir" : "",
             event->len > 0 ? " " : "", event->len > 0 ? event->name : "");
    size_t used = strlen(watcher->log), length = strlen(line);
    if (used >= length && strcmp(watcher->log + used - length, line) == 0)
        return;
    snprintf(watcher->log + used, LOG_SIZE - used, "%s", line);
}

/* Reads until the file called "end" is made, or the watched inode is gone. */
static int watch_directory(struct coprocess *parent, void *argument)
{
    struct watcher *watcher = argument;
    _Alignas(struct inotify_event) char buffer[4096];
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    coprocess_check(fd >= 0 && inotify_add_watch(
                                   fd, watcher->path,
                                   IN_ALL_EVENTS & ~(IN_OPEN | IN_ACCESS | IN_CLOSE_NOWRITE)) >= 0);
    coprocess_check(coprocess_give_turn(parent));
    for (;;) {
        struct pollfd event = { .fd = fd, .events = POLLIN };
        coprocess_check(poll(&event, 1, WAIT_SECONDS * 1000) == 1);
        ssize_t length = read(fd, buffer, sizeof(buffer));
        coprocess_check(length > 0);
        for (char *at = buffer; at < buffer + length;) {
            const struct inotify_event *one = (const struct inotify_event *)at;
            if ((one->mask & IN_CREATE) != 0 && strcmp(one->name, "end") == 0)
                return 0;
            note_event(watcher, one);
            if ((one->mask & IN_IGNORED) != 0)
                return 0;
            at += sizeof(*one) + one->len;
        }
    }
}

static char *shared_log(void)
{
    char *log = mmap(NULL, LOG_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(log, MAP_FAILED);
    return log;
}

// Starts the watcher, makes the changes, lets it end and compares what it saw.
static void assert_events(const char *path, void (*changes)(void), const char *wanted)
{
    struct watcher watcher = { path, shared_log() };
    struct coprocess coprocess;
    assert_int_equal(coprocess_start(&coprocess, watch_directory, &watcher), 0);
    assert_true(coprocess_await_turn(&coprocess));
    changes();
    if (S_ISDIR(stat_of(path).st_mode)) {
        char end[64];
        snprintf(end, sizeof(end), "%s/end", path);
        put_file(end, "");
    }
    assert_coprocess_succeeds(&coprocess);
    assert_string_equal(watcher.log, wanted);
    assert_ok(munmap(watcher.log, LOG_SIZE));
}

static void make_things(void)
{
    put_file("watched/file", "contents");
    assert_ok(mkdir("watched/directory", 0755));
    assert_ok(symlink("x", "watched/symlink"));
    assert_ok(mkfifo("watched/fifo", 0600));
    assert_ok(link("watched/file", "watched/link"));
}

static void creations(void **state)
{
    (void)state;
    assert_ok(mkdir("watched", 0755));
    assert_events("watched", make_things,
                  "create file\nmodify file\nclose_write file\ncreate dir directory\n"
                  "create symlink\ncreate fifo\ncreate link\n");
}

static void change_file(void)
{
    int fd = open_file("watched/file", O_RDWR);
    assert_int_equal(write(fd, "more", 4), 4);
    assert_ok(ftruncate(fd, 2));
    assert_ok(fchmod(fd, 0600));
    assert_ok(close(fd));
    assert_ok(truncate("watched/file", 1));
    assert_ok(chmod("watched/file", 0644));
    assert_ok(utimensat(AT_FDCWD, "watched/file", (struct timespec[2]){ { 1, 0 }, { 1, 0 } }, 0));
}

static void changes(void **state)
{
    (void)state;
    assert_ok(mkdir("watched", 0755));
    put_file("watched/file", "contents");
    assert_events("watched", change_file,
                  "modify file\nattrib file\nclose_write file\nmodify file\nattrib file\n");
}

static void move_and_remove(void)
{
    assert_ok(rename("watched/file", "watched/renamed"));
    assert_ok(rename("watched/renamed", "out"));
    assert_ok(rename("out", "watched/in"));
    assert_ok(rename("watched/in", "watched/replaced"));
    assert_ok(unlink("watched/replaced"));
    assert_ok(rmdir("watched/directory"));
}

static void moves_and_removals(void **state)
{
    (void)state;
    assert_ok(mkdir("watched", 0755));
    assert_ok(mkdir("watched/directory", 0755));
    put_file("watched/file", "");
    put_file("watched/replaced", "");
    assert_events("watched", move_and_remove,
                  "moved_from file\nmoved_to renamed\nmoved_from renamed\nmoved_to in\n"
                  "moved_from in\nmoved_to replaced\ndelete replaced\ndelete dir directory\n");
}

static void unlink_watched(void)
{
    int fd = open_file("file", O_WRONLY);
    assert_int_equal(write(fd, "x", 1), 1);
    assert_ok(close(fd));
    assert_ok(rename("file", "moved"));
    assert_ok(unlink("moved"));
    put_file("file", "another");
}

// The watch is on the inode, and ends with it.
static void watched_file_is_removed(void **state)
{
    (void)state;
    put_file("file", "");
    assert_events("file", unlink_watched,
                  "modify\nclose_write\nmove_self\nattrib\ndelete_self\nignored\n");
}

// poll() and the modification that it waits for, as tail -f has it.
static int append_lines(struct coprocess *parent, void *argument)
{
    (void)argument;
    for (int i = 0; i < 100; i++) {
        int fd = open("file", O_WRONLY | O_APPEND | O_CLOEXEC);
        coprocess_check(fd >= 0 && write(fd, "line\n", 5) == 5 && close(fd) == 0);
        coprocess_check(coprocess_await_turn(parent));
    }
    return 0;
}

static void follower_reads_what_was_appended(void **state)
{
    (void)state;
    char buffer[4096];
    struct coprocess coprocess;
    put_file("file", "");
    int fd = open_file("file", O_RDONLY), watcher = inotify_init1(IN_CLOEXEC);
    assert_ok(inotify_add_watch(watcher, "file", IN_MODIFY));
    assert_int_equal(coprocess_start(&coprocess, append_lines, NULL), 0);
    for (int i = 0; i < 100; i++) {
        struct pollfd event = { .fd = watcher, .events = POLLIN };
        assert_int_equal(poll(&event, 1, WAIT_SECONDS * 1000), 1);
        assert_true(read(watcher, buffer, sizeof(buffer)) > 0);
        assert_int_equal(read(fd, buffer, sizeof(buffer)), 5);
        assert_memory_equal(buffer, "line\n", 5);
        assert_true(coprocess_give_turn(&coprocess));
    }
    assert_coprocess_succeeds(&coprocess);
    assert_ok(close(fd));
    assert_ok(close(watcher));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(creations),
    cmocka_unit_test(changes),
    cmocka_unit_test(moves_and_removals),
    cmocka_unit_test(watched_file_is_removed),
    cmocka_unit_test(follower_reads_what_was_appended),
};

HARNESS_MAIN("inotify", cases)
