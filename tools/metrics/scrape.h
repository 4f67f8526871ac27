// SPDX-License-Identifier: BSD-2-Clause
/* A scrape: one request of HTTP/1.1, and its answer (RFC 9112), on a connection that somebody else
 * has accepted, as systemd does for sockets with Accept=yes. */
#ifndef SHMAPCTL_SCRAPE_H
#define SHMAPCTL_SCRAPE_H

#include <stdbool.h>

#include "tools/metrics/exposition.h"

struct scrape {
    unsigned status; // of HTTP
    bool head_only;
    enum metrics_format format; // as asked for
};

/* Reads a request, in some seconds at most. The status is 200 if metrics are to be answered. */
void scrape_receive(int in, struct scrape *scrape);

/* Answers with the metrics, or says what is wrong if the status is another one. Returns 0 or a
 * negative errno. */
int scrape_answer(int out, const struct scrape *scrape, const struct metrics *metrics);

#endif
