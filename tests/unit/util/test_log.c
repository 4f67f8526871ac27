// SPDX-License-Identifier: BSD-2-Clause
/* The log: where a line goes, what stands in front of it, and how a user's bytes appear in it. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fs/util/log.h"
#include "tests/unit/child.h"
#include "tests/unit/scratch.h"

#define LINE_MAX_BYTES 1200
#define PATIENCE       120 /* seconds until a test that hangs is ended */

struct line {
    char text[4 * LINE_MAX_BYTES];
    size_t length;
};

/* Standard error is the writing end of a pipe while a line is written. */
struct capture {
    int ends[2];
    int saved;
};

static struct capture begin_capture(void)
{
    struct capture capture;
    assert_int_equal(pipe2(capture.ends, O_CLOEXEC), 0);
    capture.saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(capture.saved >= 0);
    assert_int_equal(dup2(capture.ends[1], STDERR_FILENO), STDERR_FILENO);
    close(capture.ends[1]);
    return capture;
}

static void end_capture(const struct capture *capture, struct line *line)
{
    assert_int_equal(dup2(capture->saved, STDERR_FILENO), STDERR_FILENO);
    close(capture->saved);
    line->length = 0;
    for (ssize_t got; (got = read(capture->ends[0], line->text + line->length,
                                  sizeof(line->text) - 1 - line->length)) > 0;)
        line->length += (size_t)got;
    line->text[line->length] = '\0';
    close(capture->ends[0]);
}

static struct line log_text(const char *text)
{
    struct line line;
    struct capture capture = begin_capture();
    log_event(LOG_WARNING, "%s", text);
    end_capture(&capture, &line);
    return line;
}

static void a_line_for_a_terminal(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    assert_string_equal(log_text("it works").text, "shmapfs: it works\n");
    assert_string_equal(log_text("").text, "shmapfs: \n");
    assert_string_equal(log_text("libraries end lines themselves\n\n").text,
                        "shmapfs: libraries end lines themselves\n");
}

static void set_stream(const struct stat *st, int inode_offset)
{
    char stream[64];
    snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st->st_dev,
             (uintmax_t)st->st_ino + (uintmax_t)inode_offset);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
}

static void a_line_for_a_journal(void **state)
{
    (void)state;
    static const struct {
        int level;
        const char *line;
    } levels[] = { { LOG_ERR, "<3>x 1\n" },
                   { LOG_WARNING, "<4>x 1\n" },
                   { LOG_NOTICE, "<5>x 1\n" },
                   { LOG_INFO, "<6>x 1\n" },
                   { LOG_DEBUG, "<7>x 1\n" } };
    struct stat st;
    struct line line;
    for (size_t i = 0; i < COUNT(levels); i++) {
        struct capture capture = begin_capture();
        assert_int_equal(fstat(STDERR_FILENO, &st), 0);
        set_stream(&st, 0);
        log_event(levels[i].level, "x %d", 1);
        end_capture(&capture, &line);
        assert_string_equal(line.text, levels[i].line);
    }
    unsetenv("JOURNAL_STREAM");
}

static void a_stream_that_is_not_standard_error_is_none(void **state)
{
    (void)state;
    static const char *const streams[] = { "", "1", "1:", ":", "x:y", "0:0" };
    struct stat st;
    struct line line;
    struct capture capture = begin_capture();
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    set_stream(&st, 1);
    log_event(LOG_ERR, "x");
    end_capture(&capture, &line);
    assert_string_equal(line.text, "shmapfs: x\n");
    for (size_t i = 0; i < COUNT(streams); i++) {
        assert_int_equal(setenv("JOURNAL_STREAM", streams[i], 1), 0);
        assert_string_equal(log_text("x").text, "shmapfs: x\n");
    }
    unsetenv("JOURNAL_STREAM");
}

static void what_is_not_printable_is_made_visible(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
    } samples[] = {
        { "a\nb", "a\\012b" },
        { "\r\t\x1b[31m\x7f", "\\015\\011\\033[31m\\177" },
        { "back\\slash", "back\\134slash" },
        { "ä→😀", "ä→😀" },
        { "\xff\xfe", "\\377\\376" },
        { "\xc2\x9b!", "\\302\\233!" },                 /* a control character of two bytes */
        { "\xc0\xaf", "\\300\\257" },                   /* a slash, longer than it need be */
        { "\xed\xa0\x80", "\\355\\240\\200" },          /* half a pair */
        { "\xf4\x90\x80\x80", "\\364\\220\\200\\200" }, /* behind the last character */
        { "\xf8\x88\x80\x80\x80", "\\370\\210\\200\\200\\200" },
        { "\xe2\x86", "\\342\\206" }, /* ends too early */
        { "\xe2(\x86", "\\342(\\206" },
    };
    for (size_t i = 0; i < COUNT(samples); i++) {
        char wanted[64];
        snprintf(wanted, sizeof(wanted), "shmapfs: %s\n", samples[i].shown);
        assert_string_equal(log_text(samples[i].text).text, wanted);
    }
}

/* The reverse of making visible. */
static size_t make_plain(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        unsigned byte;
        if (*from == '\\') {
            assert_int_equal(sscanf(from, "\\%3o", &byte), 1);
            *to++ = (char)byte;
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return (size_t)(to - text);
}

static void any_bytes_make_one_line_and_can_be_had_back(void **state)
{
    (void)state;
    unsigned short seed[3] = { 4, 5, 6 };
    for (int i = 0; i < 2000; i++) {
        char text[64] = "";
        size_t length = (size_t)nrand48(seed) % (sizeof(text) - 2);
        for (size_t j = 0; j < length; j++)
            text[j] = (char)(1 + nrand48(seed) % 255);
        text[length] = '|'; /* newlines at the end would be dropped */
        text[length + 1] = '\0';

        struct line line = log_text(text);
        assert_int_equal(line.text[line.length - 1], '\n');
        line.text[line.length - 1] = '\0';
        for (const char *c = line.text; *c != '\0'; c++)
            assert_true((unsigned char)*c >= ' ' && *c != 0x7f);
        make_plain(line.text);
        assert_string_equal(line.text + strlen("shmapfs: "), text);
    }
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    static const char *const pieces[] = { "x", "\n", "ä", "\xff", "😀x" };
    for (size_t i = 0; i < COUNT(pieces); i++) {
        char text[8192] = "";
        while (strlen(text) + 8 < sizeof(text))
            strcat(text, pieces[i]);
        strcat(text, ".");
        struct line line = log_text(text);
        assert_in_range(line.length, 1000, LINE_MAX_BYTES);
        assert_ptr_equal(strchr(line.text, '\n'), line.text + line.length - 1);
    }
}

/* The lowest descriptor that is free. */
static int lowest_free(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    close(fd);
    return fd;
}

static void errno_and_descriptors_stay_as_they_are(void **state)
{
    (void)state;
    struct line line;
    struct capture capture = begin_capture();
    int before = lowest_free();
    errno = EXDEV;
    log_event(LOG_INFO, "%s", strerror(errno));
    int error = errno;
    int after = lowest_free();
    end_capture(&capture, &line);
    assert_int_equal(error, EXDEV);
    assert_int_equal(after, before);
    assert_string_equal(line.text, "shmapfs: Invalid cross-device link\n");
}

static void a_pipe_that_nobody_reads_holds_nobody_up(void **state)
{
    (void)state;
    struct line line;
    struct capture capture = begin_capture();
    size_t capacity = (size_t)fcntl(capture.ends[0], F_GETPIPE_SZ);
    char *filling = calloc(1, capacity);
    assert_non_null(filling);
    assert_int_equal(write(STDERR_FILENO, filling, capacity), capacity);
    free(filling);
    alarm(PATIENCE);
    log_event(LOG_ERR, "nobody will see this");
    alarm(0);
    assert_int_equal(fcntl(capture.ends[0], F_SETPIPE_SZ, 1 << 20), 1 << 20);
    log_event(LOG_ERR, "but this");
    static char all[1 << 20];
    ssize_t got = read(capture.ends[0], all, sizeof(all));
    assert_int_equal(got, capacity + strlen("shmapfs: but this\n"));
    end_capture(&capture, &line);
}

/* In a child that has /dev/log and /dev/null to itself. Returns the socket that is /dev/log. */
static int be_alone(const char *root)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    alarm(PATIENCE);
    log_prepare();
    unsetenv("JOURNAL_STREAM");
    if (geteuid() != 0 && unshare(CLONE_NEWUSER) != 0)
        _exit(CHILD_CANNOT);
    EXPECT(chdir(root) == 0 && mkdir("dev", 0755) == 0 && chroot(".") == 0);
    EXPECT(bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    EXPECT(dup2(null, STDERR_FILENO) == STDERR_FILENO);
    return fd;
}

static void receive(int fd, char *text, size_t size)
{
    ssize_t got = recv(fd, text, size - 1, 0);
    EXPECT(got > 0);
    text[got] = '\0';
}

static void check_syslog(void *root)
{
    int fd = be_alone(root);
    int before = lowest_free();
    char ours[256], theirs[256];
    time_t now;

    // In the same second both say the same.
    do {
        now = time(NULL);
        log_event(LOG_ERR, "the end of %s\n", "/a\nb");
        EXPECT(lowest_free() == before);
        // Each time anew: closelog(3) also forgets the name.
        openlog("shmapfs", LOG_PID, LOG_DAEMON);
        syslog(LOG_ERR, "the end of %s", "/a\\012b");
        closelog();
        receive(fd, ours, sizeof(ours));
        receive(fd, theirs, sizeof(theirs));
    } while (time(NULL) != now);
    EXPECT(strcmp(ours, theirs) == 0);
}

/* Sends from ever new sockets, as each has a limit of its own, until a socket's queue is full. */
static void fill_syslog(void)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
    int sent;

    do {
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        EXPECT(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
        for (sent = 0; send(fd, "x", 1, 0) == 1;)
            sent++;
        EXPECT(errno == EAGAIN);
        close(fd);
    } while (sent > 0);
}

static void check_syslog_that_hangs(void *root)
{
    int fd = be_alone(root);
    char text[64];

    fill_syslog();
    errno = EXDEV;
    log_event(LOG_ERR, "lost");
    EXPECT(errno == EXDEV);
    EXPECT(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    while (recv(fd, text, sizeof(text), 0) > 0)
        EXPECT(*text == 'x');
    log_event(LOG_ERR, "seen");
    receive(fd, text, sizeof(text));
    EXPECT(strstr(text, "seen"));
    // Nor does it matter when there is nobody at all.
    close(fd);
    log_event(LOG_ERR, "lost");
    EXPECT(unlink("/dev/log") == 0);
    log_event(LOG_ERR, "lost");
}

static void check(void (*body)(void *), void *root)
{
    if (run_in_child(body, root) == CHILD_CANNOT)
        skip_because("no root, and no user namespaces");
}

static void without_a_standard_error_a_line_goes_to_syslog(void **state)
{
    check(check_syslog, *state);
}

static void a_syslog_that_does_not_listen_holds_nobody_up(void **state)
{
    check(check_syslog_that_hangs, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_for_a_terminal),
        cmocka_unit_test(a_line_for_a_journal),
        cmocka_unit_test(a_stream_that_is_not_standard_error_is_none),
        cmocka_unit_test(what_is_not_printable_is_made_visible),
        cmocka_unit_test(any_bytes_make_one_line_and_can_be_had_back),
        cmocka_unit_test(a_long_line_is_cut),
        cmocka_unit_test(errno_and_descriptors_stay_as_they_are),
        cmocka_unit_test(a_pipe_that_nobody_reads_holds_nobody_up),
        SCRATCH_TEST(without_a_standard_error_a_line_goes_to_syslog),
        SCRATCH_TEST(a_syslog_that_does_not_listen_holds_nobody_up),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
