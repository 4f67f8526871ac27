// SPDX-License-Identifier: BSD-2-Clause
/* shmapctl metrics --http: one request on standard input, and its answer; and the format that those
 * get who do not ask for OpenMetrics. */
#include "tests/mount/harness/files.h"
#include "tests/mount/workspace/workspace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { USAGE = 2, HEAD_MOST = 8192 };

#define TEXT        "text/plain; charset=utf-8"
#define PROMETHEUS  "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* Returns the answer to a request, which is a file's contents. */
static struct program_result answer_of(const char *request, const char *mountpoint)
{
    put_file("request", request);
    struct program_result result = run_program(
        "sh", "-c", "exec \"$0\" metrics --http \"$1\" <request", shmapctl(), mountpoint, NULL);

    assert_done(&result);
    return result;
}

/* Checks the head of an answer, and that the body is as long as it says. Returns the body. */
static const char *check_answer(const struct program_result *result, const char *status,
                                const char *type)
{
    char head[512];
    const char *body = strstr(result->out, "\r\n\r\n");

    assert_non_null(body);
    body += strlen("\r\n\r\n");
    snprintf(head, sizeof(head),
             "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
             status, type, strlen(body));
    assert_int_equal(strlen(head), body - result->out);
    assert_memory_equal(result->out, head, strlen(head));
    return body;
}

static void a_request_gets_the_format_that_it_names(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    struct program_result result =
        answer_of("GET /metrics?x=1 HTTP/1.1\r\nHost: here\r\naccept: text/html,"
                  "application/openmetrics-text;version=1.0.0\r\n\r\n",
                  "mnt");
    const char *body = check_answer(&result, "200 OK", OPENMETRICS);
    assert_non_null(strstr(body, "# TYPE shmapfs_restarts counter\n"));
    assert_non_null(strstr(body, "# UNIT shmapfs_last_stall_seconds seconds\n"));
    assert_string_equal(body + strlen(body) - strlen("# EOF\n"), "# EOF\n");
    result = answer_of("GET /metrics HTTP/1.0\r\n\r\n", "mnt");
    body = check_answer(&result, "200 OK", PROMETHEUS);
    assert_non_null(strstr(body, "# TYPE shmapfs_restarts_total counter\n"
                                 "# HELP shmapfs_restarts_total "));
    assert_non_null(strstr(body, "\nshmapfs_restarts_total{mountpoint=\""));
    assert_non_null(strstr(body, "# TYPE shmapfs_last_stall_seconds gauge\n"));
    assert_null(strstr(body, "# UNIT"));
    assert_null(strstr(body, "# EOF"));
    workspace_unmount(workspace);
}

static void a_head_alone_can_be_asked_for(void **state)
{
    struct workspace *workspace = workspace_of(state);

    workspace_mount(workspace, false, "");
    struct program_result result = answer_of("HEAD /metrics HTTP/1.1\r\n\r\n", "mnt");
    assert_string_equal(result.out + strlen(result.out) - strlen("\r\n\r\n"), "\r\n\r\n");
    const char *length = strstr(result.out, "\r\nContent-Length: ");
    assert_non_null(length);
    assert_true(atoi(length + strlen("\r\nContent-Length: ")) > 1000);
    workspace_unmount(workspace);
}

static void other_requests_are_refused(void **state)
{
    static char long_head[HEAD_MOST + 64];
    static const struct {
        const char *request, *status;
    } refused[] = {
        { "GET / HTTP/1.1\r\n\r\n", "404 Not Found" },
        { "GET /metrics/../etc HTTP/1.1\r\n\r\n", "404 Not Found" },
        { "POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", "405 Method Not Allowed" },
        { "GET /metrics\r\n\r\n", "400 Bad Request" },
        { "GET  HTTP/1.1\r\n\r\n", "400 Bad Request" },
        { "GET /metrics FTP/1.1\r\n\r\n", "400 Bad Request" },
        { "GET /metrics HTTP/1.1\r\nHost: here\r\n", "400 Bad Request" },
        { "", "400 Bad Request" },
        { long_head, "431 Request Header Fields Too Large" },
    };

    (void)state;
    memset(long_head, 'x', sizeof(long_head) - 1);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct program_result result = answer_of(refused[i].request, "/");

        check_answer(&result, refused[i].status, TEXT);
    }
}

static void options_that_contradict_are_refused(void **state)
{
    (void)state;
    struct program_result result =
        run_program(shmapctl(), "metrics", "--http", "--prometheus", NULL);
    assert_refused(&result, USAGE, "--http", NULL);
    result = run_program(shmapctl(), "--json", "metrics", "--prometheus", NULL);
    assert_refused(&result, USAGE, "--json", "--prometheus", NULL);
    result = run_program(shmapctl(), "--json", "metrics", "--output", "file", NULL);
    assert_refused(&result, USAGE, "--json", "--output", NULL);
    assert_false(exists("file"));
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(a_request_gets_the_format_that_it_names),
    cmocka_unit_test(a_head_alone_can_be_asked_for),
    cmocka_unit_test(other_requests_are_refused),
    cmocka_unit_test(options_that_contradict_are_refused),
};

WORKSPACE_MAIN("scrape", cases)
