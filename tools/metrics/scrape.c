// SPDX-License-Identifier: BSD-2-Clause
#include "tools/metrics/scrape.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/sys/cleanup.h"

/* How long the head of a request may be, and take. */
#define HEAD_MAX     8192
#define HEAD_SECONDS 10

/* How long the client may take to read the answer: the process ends then. */
#define ANSWER_SECONDS 30

static const struct {
    unsigned status;
    const char *reason;
    const char *text;
} ANSWERS[] = {
    { 200, "OK", "" },
    { 400, "Bad Request", "this is no request of HTTP/1.1\n" },
    { 404, "Not Found", "the metrics are at /metrics\n" },
    { 405, "Method Not Allowed", "the metrics can be read by GET\n" },
    { 408, "Request Timeout", "the request took too long\n" },
    { 431, "Request Header Fields Too Large", "the head of the request is too long\n" },
};
#define ANSWER_COUNT (sizeof(ANSWERS) / sizeof(ANSWERS[0]))

static const char *const TYPES[] = {
    [METRICS_OPENMETRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
    [METRICS_PROMETHEUS] = "text/plain; version=0.0.4; charset=utf-8",
};

static int milliseconds_until(time_t end)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec < end ? (int)(end - now.tv_sec) * 1000 : 0;
}

/* Reads the head of a request, as a text. Returns the status. */
static unsigned read_head(int in, char head[HEAD_MAX])
{
    struct pollfd ready = { .fd = in, .events = POLLIN };
    struct timespec now;
    size_t length = 0;
    time_t end;

    clock_gettime(CLOCK_MONOTONIC, &now);
    end = now.tv_sec + HEAD_SECONDS;
    while (length < HEAD_MAX - 1) {
        ssize_t got;

        if (poll(&ready, 1, milliseconds_until(end)) == 0)
            return 408;
        got = read(in, head + length, HEAD_MAX - 1 - length);
        if (got <= 0)
            return 400;
        length += (size_t)got;
        head[length] = '\0';
        if (strlen(head) < length)
            return 400;
        if (strstr(head, "\r\n\r\n"))
            return 200;
    }
    return 431;
}

/* Takes the text up to a space off a line; NULL: there is none. */
static char *take_word(char **line)
{
    char *word = strsep(line, " ");

    return *line && *word ? word : NULL;
}

/* Reads the first line of a head. Returns the status. */
static unsigned read_request_line(char *line, struct scrape *scrape)
{
    const char *method = take_word(&line);
    char *target = method ? take_word(&line) : NULL;

    if (!target || strncmp(line, "HTTP/1.", strlen("HTTP/1.")) != 0)
        return 400;
    // Parameters ask for nothing that there is.
    target[strcspn(target, "?")] = '\0';
    scrape->head_only = strcmp(method, "HEAD") == 0;
    if (strcmp(target, "/metrics") != 0)
        return 404;
    return scrape->head_only || strcmp(method, "GET") == 0 ? 200 : 405;
}

/* Whoever names OpenMetrics can read it, and prefers it. */
static bool wants_openmetrics(const char *field)
{
    return strncasecmp(field, "Accept:", strlen("Accept:")) == 0 &&
           strstr(field, "application/openmetrics-text");
}

void scrape_receive(int in, struct scrape *scrape)
{
    char head[HEAD_MAX] = "";
    char *rest = head;
    const char *field;

    *scrape = (struct scrape){ .status = read_head(in, head), .format = METRICS_PROMETHEUS };
    if (scrape->status != 200)
        return;
    scrape->status = read_request_line(strsep(&rest, "\n"), scrape);
    while ((field = strsep(&rest, "\n"))) {
        if (wants_openmetrics(field))
            scrape->format = METRICS_OPENMETRICS;
    }
}

/* Returns the body, for free(). */
static char *make_body(const struct scrape *scrape, const char *text, const struct metrics *metrics)
{
    char *body = NULL;
    size_t size;
    FILE *out;

    if (scrape->status != 200)
        return strdup(text);
    out = open_memstream(&body, &size);
    if (!out)
        return NULL;
    metrics_write(metrics, scrape->format, out);
    if (fclose(out) != 0) {
        free(body);
        return NULL;
    }
    return body;
}

int scrape_answer(int out, const struct scrape *scrape, const struct metrics *metrics)
{
    const char *type = scrape->status == 200 ? TYPES[scrape->format] : "text/plain; charset=utf-8";
    CLEANUP_FREE char *body = NULL;
    size_t i = 0;

    while (i < ANSWER_COUNT - 1 && ANSWERS[i].status != scrape->status)
        i++;
    body = make_body(scrape, ANSWERS[i].text, metrics);
    if (!body)
        return -ENOMEM;
    signal(SIGPIPE, SIG_IGN);
    alarm(ANSWER_SECONDS);
    if (dprintf(out,
                "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                "Connection: close\r\n\r\n%s",
                scrape->status, ANSWERS[i].reason, type, strlen(body),
                scrape->head_only ? "" : body) < 0)
        return -errno;
    return 0;
}
